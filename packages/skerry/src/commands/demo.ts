import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import { notRunning, partsIncomplete } from "../errors.ts";
import { findRuntime } from "../noderuntime/choose-runtime.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { liveHolder } from "../supervisor/home-lock.ts";
import { duration, paint, print, printStoryStep } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry demo`. */
export const demo: Command = {
  name: "demo",
  summary: "play the whole story: app, device, cut link, crash, reconnect",
  help: `skerry demo

Plays the story on the running Skerry and tells each step with its time: an app and a device on the edge node, the
link is cut, processes are killed, things change on both sides, the link comes back, both sides agree. It makes and
removes its own device and pod, and scales the example app. Exits 0 only if each step held.

Example:
  skerry up --detach && skerry demo
`,
  async run(parameters) {
    parseArgs({ args: [...parameters], options: {} });
    const home = skerryHome();
    const settings = loadSettings(home);
    const { node } = settings;
    if (!liveHolder(home) || node === undefined) throw notRunning(home.folder);
    const runtime = findRuntime(home, settings, node);
    if (!runtime) throw partsIncomplete(["ctr"], home.parts);
    using api = await connectToCluster(home);
    const { playStory } = await import("../demo/story.ts");
    const beganMs = systemClock.monotonicMs();
    await playStory({ home, settings, node, runtime, api, clock: systemClock, tell: printStoryStep });
    print();
    print(paint("bold", `Each step held. The story took ${duration(systemClock.monotonicMs() - beganMs)}.`));
    return EXIT_OK;
  },
};

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { notRunning, partsIncomplete, usageError } from "../errors.ts";
import { checkArchive } from "../images/load-image.ts";
import { findRuntime } from "../noderuntime/choose-runtime.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { liveHolder } from "../supervisor/home-lock.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** `skerry image load FILE`. */
export const image: Command = {
  name: "image",
  summary: "load an image archive into the edge node",
  help: `skerry image load FILE

Loads an OCI or docker archive into the edge node on this machine; no registry is needed. In a manifest the image is
named as in the archive.

Examples:
  docker save my-app:1 -o my-app.tar && skerry image load my-app.tar
  skopeo copy docker://alpine oci-archive:alpine.tar && skerry image load alpine.tar
`,
  async run(parameters) {
    const { positionals } = parseArgs({ args: [...parameters], options: {}, allowPositionals: true });
    const [action, file, ...more] = positionals;
    if (action !== "load" || file === undefined || more.length > 0) throw usageError("Use `skerry image load FILE`");
    const archive = resolve(file);
    checkArchive(archive);
    const home = skerryHome();
    const settings = loadSettings(home);
    const { node } = settings;
    if (!liveHolder(home) || node === undefined) throw notRunning(home.folder);
    const runtime = findRuntime(home, settings, node);
    if (!runtime) throw partsIncomplete(["ctr"], home.parts);
    const names = await runtime.loadImage(archive);
    print(`Loaded ${names.join(", ") || archive}.`);
    return EXIT_OK;
  },
};

import { parseArgs } from "node:util";
import { usageError } from "../errors.ts";
import type { Command } from "./command.ts";
import { runService } from "./service-process.ts";

/** `skerry process-runtime`, which `skerry up` starts. */
export const processRuntime: Command = {
  name: "process-runtime",
  summary: "the process runtime alone: containers without an engine and without root",
  help: `skerry process-runtime --folder FOLDER --socket SOCKET --busybox FILE [--slirp FILE]

Serves the Container Runtime Interface v1 on a unix socket, with containers made of user namespaces. What it started
goes on when it ends, and is found again.

  --folder FOLDER   images, sandboxes and containers
  --socket SOCKET   where it serves
  --busybox FILE    a static busybox
  --slirp FILE      slirp4netns, which leads pods out of their networks; without it they reach nothing outside
  --slirp-libraries FOLDERS
                    where its libraries are, with a colon between them, when it is not installed

Example:
  skerry process-runtime --folder ./runtime --socket ./runtime/cri.sock --busybox /bin/busybox
`,
  internal: true,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        folder: { type: "string" },
        socket: { type: "string" },
        busybox: { type: "string" },
        slirp: { type: "string" },
        "slirp-libraries": { type: "string" },
      },
    });
    const { folder, socket: socketPath, busybox } = values;
    if (folder === undefined || socketPath === undefined || busybox === undefined)
      throw usageError("skerry process-runtime needs --folder, --socket and --busybox");
    const slirp = { program: values.slirp, libraries: values["slirp-libraries"] };
    const { runProcessRuntime } = await import("@skerry/edgecore/platform");
    return runService(async (logger) => ({
      service: await runProcessRuntime({ folder, socketPath, busybox, slirp, logger }),
    }));
  },
};

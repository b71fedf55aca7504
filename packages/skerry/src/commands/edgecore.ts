import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { edgeCoreDefaultConfigText, edgeCoreMinConfigText, parseEdgeCoreConfig } from "@skerry/api";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { machineAddress } from "../settings.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import { runService } from "./service-process.ts";

/** Where KubeEdge has it. */
const DEFAULT_CONFIG_FILE = "/etc/kubeedge/config/edgecore.yaml";

const BUFFER_POOL_BYTES = 8 * 1024;

/** `edgecore`, alone or as `skerry edgecore`. */
export const edgecore: Command = {
  name: "edgecore",
  summary: "EdgeCore alone, on an edge node",
  help: `edgecore [--config FILE] | --minconfig | --defaultconfig

Runs EdgeCore in this process. It reads KubeEdge's edgecore.yaml and the short form. A node that never joined needs a
token in it: \`skerry token\` on the cloud's machine prints one.

  --config FILE     ${DEFAULT_CONFIG_FILE}
  --minconfig       print a configuration to begin with
  --defaultconfig   print all that can be configured

Examples:
  edgecore --minconfig > edgecore.yaml
  edgecore --config edgecore.yaml
`,
  internal: true,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        config: { type: "string", default: DEFAULT_CONFIG_FILE },
        minconfig: { type: "boolean" },
        defaultconfig: { type: "boolean" },
      },
    });
    if (values.minconfig || values.defaultconfig) {
      const text = values.minconfig ? edgeCoreMinConfigText : edgeCoreDefaultConfigText;
      process.stdout.write(text({ nodeName: hostname().toLowerCase(), cloudHost: machineAddress() }));
      return EXIT_OK;
    }
    // Small buffers are cut from a common piece, which stays as long as one of them: by default 64 KiB each.
    Buffer.poolSize = BUFFER_POOL_BYTES;
    const { config, warnings } = parseEdgeCoreConfig(await readConfigFile(values.config));
    const { startEdgeCore } = await import("@skerry/edgecore/platform");
    return runService(async (logger, onDamage) => {
      for (const warning of warnings) logger.warn(`${values.config}: ${warning}`);
      return { service: await startEdgeCore({ config, clock: systemClock, random: systemRandom, logger, onDamage }) };
    });
  },
};

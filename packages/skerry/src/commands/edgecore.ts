import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { edgeCoreDefaultConfigText, edgeCoreMinConfigText } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { machineAddress } from "../settings.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import { type RunningService, runService } from "./service-process.ts";

/** Where KubeEdge has it. */
const DEFAULT_CONFIG_FILE = "/etc/kubeedge/config/edgecore.yaml";

const BUFFER_POOL_BYTES = 8 * 1024;

/** `edgecore`, alone or as `skerry edgecore`. */
export const edgecore: Command = {
  name: "edgecore",
  summary: "EdgeCore alone, on an edge node",
  help: `edgecore [--config FILE] | --minconfig | --defaultconfig

Runs EdgeCore in this process. It reads KubeEdge's edgecore.yaml and the short form. A node that never joined needs a
token in it: \`skerry token\` on the cloud's machine prints one. What jobs change of it is kept in a file beside it,
*.updates.json. It ends with exit code 75 to be started again with a changed configuration.

SIGTERM stops it, containers go on. SIGPWR says that the machine goes down: the pods end first, each in its own time as
far as shutdownGracePeriod of the configuration gives it, and start again with EdgeCore.

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
    const { openConfigFile, startEdgeCore } = await import("@skerry/edgecore/platform");
    const configFile = values.config;
    const start = async (
      logger: Logger,
      onDamage: (error: unknown) => void,
      restart: () => void,
    ): Promise<RunningService> => {
      const opened = await openConfigFile({ configFile, read: () => readConfigFile(configFile), restart });
      const { config, warnings, changedFields: fields, updater: configUpdater } = opened;
      for (const warning of warnings) logger.warn(`${configFile}: ${warning}`);
      if (fields.length > 0) logger.info("Jobs have changed the configuration", { configFile, fields: [...fields] });
      const ports = { clock: systemClock, random: systemRandom, logger };
      const service = await startEdgeCore({ config, ...ports, onDamage, configUpdater });
      return { service, shutDown: () => service.core.shutDown() };
    };
    return runService(start, { hasShutdown: true });
  },
};

import { parseArgs } from "node:util";
import { cloudCoreDefaultConfigText, cloudCoreMinConfigText, parseCloudCoreConfig } from "@skerry/api";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { machineAddress } from "../settings.ts";
import { serveCloudCoreControl } from "../trace/cloudcore-control.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import { runService } from "./service-process.ts";

/** Where KubeEdge has it. */
const DEFAULT_CONFIG_FILE = "/etc/kubeedge/config/cloudcore.yaml";

const DEFAULT_LOG_FOLDER = "/var/log/kubeedge/cloudcore";

/** `cloudcore`, alone or as `skerry cloudcore`. */
export const cloudcore: Command = {
  name: "cloudcore",
  summary: "CloudCore alone, with a kubeconfig of any Kubernetes",
  help: `cloudcore [--config FILE] [--control SOCKET] | --minconfig | --defaultconfig

Runs CloudCore in this process. It reads KubeEdge's cloudcore.yaml and the short form.

  --config FILE     ${DEFAULT_CONFIG_FILE}
  --control SOCKET  serve \`skerry trace\` on this unix socket; only its owner may use it
  --own-log FOLDER  the log that \`kubectl logs -n kubeedge -l app=kubeedge-cloudcore\` shows; ${DEFAULT_LOG_FOLDER}
  --minconfig       print a configuration to begin with
  --defaultconfig   print all that can be configured

Examples:
  cloudcore --minconfig > cloudcore.yaml
  cloudcore --config cloudcore.yaml
`,
  internal: true,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        config: { type: "string", default: DEFAULT_CONFIG_FILE },
        "own-log": { type: "string", default: DEFAULT_LOG_FOLDER },
        minconfig: { type: "boolean" },
        defaultconfig: { type: "boolean" },
        control: { type: "string" },
      },
    });
    if (values.minconfig || values.defaultconfig) {
      const text = values.minconfig ? cloudCoreMinConfigText : cloudCoreDefaultConfigText;
      process.stdout.write(text(machineAddress()));
      return EXIT_OK;
    }
    const { config, warnings } = parseCloudCoreConfig(await readConfigFile(values.config));
    const { startCloudCore } = await import("@skerry/cloudcore/platform");
    const { authorityChanged } = await import("@skerry/cloudcore");
    return runService(async (logger, fail) => {
      for (const warning of warnings) logger.warn(`${values.config}: ${warning}`);
      const ownLogFolder = values["own-log"];
      await using stack = new AsyncDisposableStack();
      const core = stack.use(
        await startCloudCore({
          config,
          clock: systemClock,
          random: systemRandom,
          logger,
          ownLogFolder,
          onAuthorityChange: () => fail(authorityChanged()),
        }),
      );
      if (values.control !== undefined) await stack.use(serveCloudCoreControl(values.control, core)).start();
      return { service: stack.move() };
    });
  },
};

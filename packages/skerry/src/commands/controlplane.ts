import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import type { Command } from "./command.ts";
import { runService } from "./service-process.ts";

/** `skerry controlplane`. */
export const controlplane: Command = {
  name: "controlplane",
  summary: "the embedded Kubernetes alone",
  help: `skerry controlplane [--data FOLDER] [--address ADDRESS] [--port NUMBER] [--advertise NAME]… [--kubeconfig FILE]
                    [--kubelet-endpoint HOST:PORT]

Runs the small Kubernetes API server with its controllers in this process and writes the administrator's kubeconfig.

Example:
  skerry controlplane --port 7443 --kubeconfig ./kubeconfig
`,
  internal: true,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        data: { type: "string" },
        address: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "6443" },
        advertise: { type: "string", multiple: true, default: [] },
        kubeconfig: { type: "string" },
        "kubelet-endpoint": { type: "string" },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw usageError(`--port needs a port number, not ${JSON.stringify(values.port)}`);
    const kubeletEndpoint = endpointOption(values["kubelet-endpoint"]);
    const home = skerryHome();
    const kubeconfig = resolve(values.kubeconfig ?? home.kubeconfig);
    const { startControlPlane } = await import("@skerry/controlplane/platform");
    return runService(async (logger) => {
      const dataFolder = resolve(values.data ?? home.controlPlane);
      mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
      const service = await startControlPlane({
        dataFolder,
        address: values.address,
        port,
        advertisedNames: values.advertise,
        ...(kubeletEndpoint ? { kubeletEndpoint } : {}),
        clock: systemClock,
        random: systemRandom,
        logger,
      });
      writeSecret(kubeconfig, service.kubeconfig);
      return { service, facts: { port: service.port } };
    });
  },
};

/** Where CloudCore serves the kubelet's API of all nodes. */
function endpointOption(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "" || Number(port) < 1 || Number(port) > 65_535)
    throw usageError(`--kubelet-endpoint needs HOST:PORT, not ${JSON.stringify(text)}`);
  return { host, port: Number(port) };
}

/** Replaces the file in one step: kubectl may read it at any time. */
function writeSecret(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

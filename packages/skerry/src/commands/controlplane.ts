import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { print, shellWord } from "../terminal.ts";
import type { Command } from "./command.ts";
import { runService } from "./service-process.ts";

/** `skerry controlplane`. */
export const controlplane: Command = {
  name: "controlplane",
  summary: "the embedded Kubernetes alone, e.g. to test against: no node, no CloudCore",
  help: `skerry controlplane [--kubeconfig FILE] [--data FOLDER] [--port NUMBER] [--address ADDRESS] [--advertise NAME]…
                    [--kubelet-endpoint HOST:PORT]

Runs the small Kubernetes API server with its controllers and scheduler in this process until Ctrl-C or SIGTERM, writes
the administrator's kubeconfig, and says when it is ready. There is no node and no CloudCore: pods stay Pending.
docs/kubernetes-api.md says what it does and what not.

  --kubeconfig FILE      where the administrator's kubeconfig is written (.skerry/kubeconfig)
  --data FOLDER          database, keys and certificates; what was stored there is there again (.skerry/controlplane)
  --port NUMBER          0 takes any free port; the kubeconfig and the ready line have it (6443)
  --address ADDRESS      to listen on (127.0.0.1)
  --advertise NAME       another name or address that clients reach it by; may be given several times
  --kubelet-endpoint HOST:PORT  where a CloudCore serves logs and exec of edge nodes' pods

Examples:
  skerry controlplane --kubeconfig ./kubeconfig
  skerry controlplane --kubeconfig ./kubeconfig --data "$(mktemp -d)" --port 0
  kubectl --kubeconfig ./kubeconfig get namespaces
`,
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
      if (!process.connected) tellReadyAt(service.kubeconfig, kubeconfig);
      return { service, facts: { port: service.port } };
    });
  },
};

/** For who started it by hand or from a script; a supervisor is told in another way. */
function tellReadyAt(kubeconfigText: string, path: string): void {
  const server = /^ {4}server: (\S+)$/m.exec(kubeconfigText)?.[1] ?? "";
  print(`Ready at ${server}. Try: kubectl --kubeconfig ${shellWord(path)} get namespaces`);
}

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

import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { byteSize, print, shellWord } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { runService } from "./service-process.ts";

/** `skerry controlplane`. */
export const controlplane: Command = {
  name: "controlplane",
  summary: "the embedded Kubernetes alone, e.g. to test against: no node, no CloudCore",
  help: `skerry controlplane [--kubeconfig FILE] [--data FOLDER] [--port NUMBER] [--address ADDRESS] [--advertise NAME]…
                    [--kubelet-endpoint HOST:PORT] [--audit-log FILE]
skerry controlplane backup FOLDER [--data FOLDER]
skerry controlplane restore FOLDER [--data FOLDER]

Runs the small Kubernetes API server with its controllers and scheduler in this process until Ctrl-C or SIGTERM, writes
the administrator's kubeconfig, and says when it is ready. There is no node and no CloudCore: pods stay Pending.
docs/kubernetes-api.md says what it does and what not.

\`backup\` copies database and keys into a new folder, also while the control plane runs; the folder is as secret as the
cluster. \`restore\` puts them into an empty data folder; what was written after the backup is then unknown to the cluster.

  --kubeconfig FILE      where the administrator's kubeconfig is written (.skerry/kubeconfig)
  --data FOLDER          database, keys and certificates; what was stored there is there again (.skerry/controlplane)
  --port NUMBER          0 takes any free port; the kubeconfig and the ready line have it (6443)
  --address ADDRESS      to listen on (127.0.0.1)
  --advertise NAME       another name or address that clients reach it by; may be given several times
  --kubelet-endpoint HOST:PORT  where a CloudCore serves logs and exec of edge nodes' pods
  --audit-log FILE       who asked for what, a line of JSON a request; FILE.1 to FILE.4 are older, 10 MB each (none)

Examples:
  skerry controlplane --kubeconfig ./kubeconfig
  skerry controlplane --kubeconfig ./kubeconfig --data "$(mktemp -d)" --port 0
  kubectl --kubeconfig ./kubeconfig get namespaces
  skerry controlplane backup ./backup-monday
`,
  async run(parameters) {
    const [action, ...rest] = parameters;
    if (action === "backup" || action === "restore") return runCopy(action, rest);
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        data: { type: "string" },
        address: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "6443" },
        advertise: { type: "string", multiple: true, default: [] },
        kubeconfig: { type: "string" },
        "kubelet-endpoint": { type: "string" },
        "audit-log": { type: "string" },
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
        ...(values["audit-log"] === undefined ? {} : { auditLog: resolve(values["audit-log"]) }),
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

/** `backup` and `restore`. */
async function runCopy(action: "backup" | "restore", parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: { data: { type: "string" } },
    allowPositionals: true,
  });
  const [folder, ...others] = positionals;
  if (folder === undefined || others.length > 0) throw usageError(`controlplane ${action} needs one folder`);
  const [copy, data] = [resolve(folder), resolve(values.data ?? skerryHome().controlPlane)];
  const { backupControlPlane, restoreControlPlane } = await import("@skerry/controlplane/platform");
  const facts = action === "backup" ? backupControlPlane(data, copy) : restoreControlPlane(copy, data);
  const what = `${facts.objects} objects at revision ${facts.revision}, ${byteSize(facts.sizeBytes)}, and the keys`;
  print(action === "backup" ? `${copy} has ${what}.` : `${data} has ${what} again.`);
  return EXIT_OK;
}

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

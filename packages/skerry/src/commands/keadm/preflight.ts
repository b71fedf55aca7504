import { request } from "node:https";
import { type Clock, describeError, isSkerryError } from "@skerry/base";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { authorityHash, joinTokenExpiry } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { preflightFailed } from "../../errors.ts";
import type { Settings } from "../../settings.ts";
import { checkPorts } from "../../supervisor/port-check.ts";
import { wantedPorts } from "../../supervisor/wanted-ports.ts";
import { paint } from "../../terminal.ts";
import type { Joining } from "../join.ts";

/** One thing that a check found. */
export interface Finding {
  readonly code: string;
  readonly level: "error" | "warning";
  readonly message: string;
  readonly advice: string;
}

const ANSWER_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Certificates hold from five minutes before they are made. */
const CLOCK_DIFFERENCE_MS = 240_000;

/** What stands in the way of `keadm init`. */
export async function checkInit(settings: Settings): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    await checkPorts(wantedPorts(settings));
  } catch (error) {
    findings.push(codedFinding(error));
  }
  if (settings.kubeConfig !== undefined) findings.push(...(await checkCluster(settings.kubeConfig)));
  return findings;
}

/** What stands in the way of `keadm join`; asks the cloud what anybody may ask. */
export async function checkJoin(joining: Joining, clock: Clock): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  if (process.getuid?.() !== 0)
    findings.push({
      code: "PREFLIGHT_NOT_ROOT",
      level: "warning",
      message:
        "Without root the node has the process runtime: no container engine; limits of pods hold only where control groups are delegated to the account",
      advice: "Run the command as root for a node with containerd.",
    });
  const { cloud, node } = joining;
  if (!cloud || node === undefined) return findings;
  const expiresAtMs = joinTokenExpiry(cloud.token);
  if (expiresAtMs !== undefined && expiresAtMs <= clock.now())
    findings.push({
      code: "PREFLIGHT_TOKEN_EXPIRED",
      level: "error",
      message: `The join token expired at ${new Date(expiresAtMs).toISOString()}, by this machine's clock`,
      advice: "Check the clock, and get a fresh token where CloudCore runs: `keadm gettoken` or `skerry token`.",
    });
  findings.push(...(await checkCloud(cloud.cloudHttps, cloud.token, node, clock)));
  return findings;
}

/** Prints the findings. Throws SKERRY_PREFLIGHT when one of them is an error. */
export function requireNoErrors(findings: readonly Finding[]): void {
  for (const { code, level, message, advice } of findings) {
    const colour = level === "error" ? "red" : "yellow";
    process.stderr.write(`${paint(colour, `${level} ${code}`, process.stderr)}: ${message}\n  ${advice}\n`);
  }
  const errors = findings.filter(({ level }) => level === "error");
  if (errors.length > 0) throw preflightFailed(errors);
}

async function checkCluster(file: string): Promise<readonly Finding[]> {
  try {
    using api = new HttpsKubernetesApi(await loadKubeconfig(file));
    const nodes = { group: "", version: "v1", resource: "nodes", kind: "Node", namespaced: false };
    await api.list({ resource: nodes }, { limit: 1, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return [];
  } catch (error) {
    return [
      {
        code: "PREFLIGHT_CLUSTER",
        level: "error",
        message: `The Kubernetes of ${file} cannot be used: ${describeError(error)}`,
        advice: "Check the file with `kubectl --kubeconfig FILE get nodes`; CloudCore needs an administrator's.",
      },
    ];
  }
}

async function checkCloud(address: string, token: string, node: string, clock: Clock): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    const authority = await ask(address, "/ca.crt");
    const remoteMs = Date.parse(authority.date);
    if (Math.abs(remoteMs - clock.now()) > CLOCK_DIFFERENCE_MS)
      findings.push({
        code: "PREFLIGHT_CLOCK",
        level: "error",
        message: `The cloud's clock says ${new Date(remoteMs).toISOString()}, this machine's ${new Date(clock.now()).toISOString()}`,
        advice: "Set the wrong one: certificates would not hold here.",
      });
    if (token.split(".")[0] !== authorityHash(systemPki, authority.body))
      findings.push({
        code: "PREFLIGHT_TOKEN_OTHER_CLOUD",
        level: "error",
        message: `The join token is not for the cloud at ${address}`,
        advice: "Check the address, and get a token where that CloudCore runs.",
      });
    if ((await ask(address, `/node/${node}`)).status === 200)
      findings.push({
        code: "PREFLIGHT_NODE_EXISTS",
        level: "warning",
        message: `The cloud has a node ${node} already`,
        advice: "If it is another machine, stop here and choose another name with -i.",
      });
  } catch (error) {
    findings.push({
      code: "PREFLIGHT_CLOUD_UNREACHABLE",
      level: "error",
      message: `CloudCore's HTTPS port at ${address} does not answer: ${error instanceof Error ? error.message : String(error)}`,
      advice: "Check the address (-e, and -s for the port) and that a firewall lets 10000, 10002 and 10004 through.",
    });
  }
  return findings;
}

interface CloudAnswer {
  readonly status: number;
  readonly date: string;
  readonly body: Uint8Array;
}

/** One question before anything is trusted: the certificate is not verified, and nothing secret is sent. */
function ask(address: string, path: string): Promise<CloudAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const outgoing = request(
      `https://${address}${path}`,
      { agent: false, rejectUnauthorized: false, signal },
      (answer) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        answer.on("error", reject);
        answer.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > MAX_ANSWER_BYTES) outgoing.destroy(new Error("its answer is too long"));
          else chunks.push(chunk);
        });
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            date: answer.headers.date ?? "",
            body: new Uint8Array(Buffer.concat(chunks)),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function codedFinding(error: unknown): Finding {
  if (!isSkerryError(error)) throw error;
  return { code: error.code, level: "error", message: error.message, advice: error.advice };
}

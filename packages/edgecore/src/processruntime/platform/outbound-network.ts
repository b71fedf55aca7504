import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { describeError } from "@skerry/base";
import { killTrees } from "@skerry/base/platform";
import { startFailed } from "../errors.ts";
import { HOLDER_SCRIPT } from "../scripts.ts";
import { hold } from "./holders.ts";
import { identify, killRunning, type ProcessIdentity } from "./process-identity.ts";
import { TOOL_ENVIRONMENT } from "./run-tool.ts";

/** How pods reach what is outside of their own network. */
export type OutboundAbility =
  | {
      /** slirp4netns, one process a pod: it makes the pod's connections as the account that runs the node. */
      readonly kind: "slirp";
      readonly program: string;
      /** Folders of its libraries where it is not installed, as in `LD_LIBRARY_PATH`. */
      readonly libraries: string | undefined;
    }
  | { readonly kind: "none"; readonly reason: string };

/** Where slirp4netns was looked for. */
export interface OutboundProgram {
  readonly program: string | undefined;
  readonly libraries: string | undefined;
}

/** slirp4netns' own name server, which asks those of the machine: a pod sees it at this address. */
export const POD_NAME_SERVER = "10.0.2.3";

const READY_TIMEOUT_MS = 10_000;
const TUNNEL_DEVICE = "/dev/net/tun";

/** Tries out whether a network of its own can be led out of here. Leaves nothing behind. */
export async function checkOutbound(
  { program, libraries }: OutboundProgram,
  busybox: string,
): Promise<OutboundAbility> {
  if (program === undefined) return { kind: "none", reason: "there is no slirp4netns" };
  if (!(await mayHaveOutbound()))
    return { kind: "none", reason: `this account may not open ${TUNNEL_DEVICE} (mode 0666 lets every account)` };
  const ability = { kind: "slirp", program, libraries } as const;
  const started: ProcessIdentity[] = [];
  try {
    const holder = [busybox, "sh", "-c", HOLDER_SCRIPT, "holder", busybox, "", "own"];
    started.push(await hold(["unshare", "--user", "--map-root-user", "--net", "--", ...holder]));
    started.push(await startOutbound(ability, started[0]?.processId ?? 0));
    return ability;
  } catch (error) {
    return { kind: "none", reason: describeError(error) };
  } finally {
    killRunning(...started);
  }
}

/** Whether this account may make tunnel devices, in namespaces of its own. */
export async function mayHaveOutbound(): Promise<boolean> {
  const device = await open(TUNNEL_DEVICE, "r+").catch(() => undefined);
  await device?.close();
  return device !== undefined;
}

/**
 * Leads a network out; goes on when this process ends. The machine's loopback addresses are not reached through it.
 * @param holderId a process in that network
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function startOutbound(
  { program, libraries }: Extract<OutboundAbility, { kind: "slirp" }>,
  holderId: number,
): Promise<ProcessIdentity> {
  const enter = ["--target", String(holderId), "--user", "--preserve-credentials", "--"];
  const safety = ["--disable-host-loopback", "--enable-sandbox", "--enable-seccomp"];
  const options = ["--configure", "--mtu=65520", ...safety, "--ready-fd=3", "--netns-type=path"];
  const child = spawn("nsenter", [...enter, program, ...options, `/proc/${holderId}/ns/net`, "tap0"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    detached: true,
    env: { ...TOOL_ENVIRONMENT, ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }) },
  });
  const failure = await new Promise<string | undefined>((resolve) => {
    let errors = "";
    const timer = setTimeout(() => resolve("slirp4netns was not ready in time"), READY_TIMEOUT_MS);
    const end = (reason: string | undefined): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    child.stderr?.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString("utf8")).slice(-1_000);
    });
    (child.stdio[3] as Readable).once("data", () => end(undefined));
    child.once("error", (error) => end(error.message));
    child.once("close", () => end(errors.trim().split("\n").at(-1) || "slirp4netns ended"));
  });
  for (const stream of child.stdio) stream?.destroy();
  child.unref();
  const identity = identify(child.pid);
  if (failure === undefined && identity) return identity;
  killTrees([child.pid]);
  throw startFailed(`no way out of the pod's network: ${failure ?? "slirp4netns ended"}`);
}

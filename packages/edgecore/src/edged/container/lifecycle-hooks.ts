import type { Container } from "@skerry/api";
import { type Clock, type JsonObject, sleep } from "@skerry/base";
import { invalidPod, notSupported } from "../errors.ts";
import { numberAt, objectAt, stringAt, stringsAt } from "../json-access.ts";
import type { ContainerRuntime, NetworkCheck } from "../ports.ts";
import { httpCheck } from "../probes/http-check.ts";

/** Where a hook acts. */
export interface HookTarget {
  readonly containerId: string;
  readonly address: string;
  readonly timeoutSeconds: number;
  /** Left out: a hook that sleeps does so for as long as it says. */
  readonly longestSleepSeconds?: number;
  /** Ends a sleep. */
  readonly signal?: AbortSignal;
}

/** What hooks run on. */
export interface HookPorts {
  readonly runtime: ContainerRuntime;
  readonly network: NetworkCheck;
  readonly clock: Clock;
}

/** The handler of `lifecycle.postStart` or `lifecycle.preStop`, if there is one. */
export function lifecycleHook(container: Container, hook: "postStart" | "preStop"): JsonObject | undefined {
  return objectAt(container.lifecycle, hook);
}

/** The signal that the container wants to be stopped by, e.g. `SIGUSR1`; undefined: its image's. */
export function stopSignal(container: Container): string | undefined {
  return stringAt(container.lifecycle, "stopSignal") || undefined;
}

/**
 * Runs a lifecycle hook to its end.
 * @throws `EDGED_INVALID_POD` when it fails, `EDGED_NOT_SUPPORTED`
 */
export async function runHook(
  handler: JsonObject,
  container: Container,
  target: HookTarget,
  { runtime, network, clock }: HookPorts,
): Promise<void> {
  const exec = objectAt(handler, "exec");
  const httpGet = objectAt(handler, "httpGet");
  const rest = objectAt(handler, "sleep");
  if (exec) {
    const result = await runtime.exec(target.containerId, stringsAt(exec, "command"), target.timeoutSeconds);
    if (result.exitCode !== 0)
      throw invalidPod("lifecycle", `the command ended with exit code ${result.exitCode}: ${result.output}`);
  } else if (httpGet) {
    await network.httpStatus(httpCheck(httpGet, container, target.address, target.timeoutSeconds * 1000));
  } else if (rest) {
    const seconds = Math.min(numberAt(rest, "seconds") ?? 0, target.longestSleepSeconds ?? Number.POSITIVE_INFINITY);
    await sleep(clock, seconds * 1000, target.signal);
  } else {
    // The API takes tcpSocket, and the kubelet fails it too.
    throw notSupported(`lifecycle handler ${Object.keys(handler)[0] ?? "(empty)"}`, "only exec, httpGet and sleep are");
  }
}

/** Text of a handler for messages. */
export function hookText(handler: JsonObject): string {
  const exec = objectAt(handler, "exec");
  if (exec) return stringsAt(exec, "command").join(" ");
  return stringAt(objectAt(handler, "httpGet"), "path") ?? Object.keys(handler)[0] ?? "";
}

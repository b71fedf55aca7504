import type { Container } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { invalidPod, notSupported } from "../errors.ts";
import { objectAt, stringAt, stringsAt } from "../json-access.ts";
import type { ContainerRuntime, NetworkCheck } from "../ports.ts";
import { httpCheck } from "../probes/http-check.ts";

/** Where a hook acts. */
export interface HookTarget {
  readonly containerId: string;
  readonly address: string;
  readonly timeoutSeconds: number;
}

/** The handler of `lifecycle.postStart` or `lifecycle.preStop`, if there is one. */
export function lifecycleHook(container: Container, hook: "postStart" | "preStop"): JsonObject | undefined {
  return objectAt(container.lifecycle, hook);
}

/**
 * Runs a lifecycle hook to its end.
 * @throws `EDGED_INVALID_POD` when it fails, `EDGED_NOT_SUPPORTED`
 */
export async function runHook(
  handler: JsonObject,
  container: Container,
  target: HookTarget,
  runtime: ContainerRuntime,
  network: NetworkCheck,
): Promise<void> {
  const exec = objectAt(handler, "exec");
  const httpGet = objectAt(handler, "httpGet");
  if (exec) {
    const result = await runtime.exec(target.containerId, stringsAt(exec, "command"), target.timeoutSeconds);
    if (result.exitCode !== 0)
      throw invalidPod("lifecycle", `the command ended with exit code ${result.exitCode}: ${result.output}`);
  } else if (httpGet) {
    await network.httpStatus(httpCheck(httpGet, container, target.address, target.timeoutSeconds * 1000));
  } else {
    throw notSupported(`lifecycle handler ${Object.keys(handler)[0] ?? "(empty)"}`, "only exec and httpGet are");
  }
}

/** Text of a handler for messages. */
export function hookText(handler: JsonObject): string {
  return objectAt(handler, "exec")
    ? stringsAt(objectAt(handler, "exec"), "command").join(" ")
    : (stringAt(objectAt(handler, "httpGet"), "path") ?? "");
}

import type { JsonObject } from "@skerry/base";
import { ageOf } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../registry/api-object.ts";

/** The STATUS column of a pod: the most telling of phase, reasons and container states. */
export function podReasonOf(pod: JsonObject): string {
  const [metadata, spec, status] = [objectAt(pod, "metadata"), objectAt(pod, "spec"), objectAt(pod, "status")];
  const initializing = initReason(spec, status);
  let reason = initializing ?? (textAt(status, "reason") || textAt(status, "phase"));
  if (initializing === undefined || isInitialized(status)) reason = containerReason(status, reason);
  if (metadata["deletionTimestamp"] !== undefined) {
    if (textAt(status, "reason") === "NodeLost") reason = "Unknown";
    else if (textAt(status, "phase") !== "Failed" && textAt(status, "phase") !== "Succeeded") reason = "Terminating";
  }
  return reason;
}

/** The READY column: containers that are ready, of those that go on running: sidecars (restartable init) are among them. */
export function podReadyOf(pod: JsonObject): string {
  const [spec, status] = [objectAt(pod, "spec"), objectAt(pod, "status")];
  const sidecars = sidecarNames(spec);
  const readySidecars = objectsIn(status["initContainerStatuses"]).filter(
    (container) => sidecars.has(textAt(container, "name")) && container["started"] === true && isReady(container),
  );
  const ready = objectsIn(status["containerStatuses"]).filter(isReady).length + readySidecars.length;
  return `${ready}/${objectsIn(spec["containers"]).length + sidecars.size}`;
}

const isReady = (container: JsonObject): boolean => container["ready"] === true;

function sidecarNames(spec: JsonObject): ReadonlySet<string> {
  const sidecars = objectsIn(spec["initContainers"]).filter(({ restartPolicy }) => restartPolicy === "Always");
  return new Set(sidecars.map((container) => textAt(container, "name")));
}

function initReason(spec: JsonObject, status: JsonObject): string | undefined {
  const total = objectsIn(spec["initContainers"]).length;
  const statuses = objectsIn(status["initContainerStatuses"]);
  for (const [index, container] of statuses.entries()) {
    const state = objectAt(container, "state");
    const terminated = objectAt(state, "terminated");
    if (state["terminated"] !== undefined && numberAt(terminated, "exitCode") === 0) continue;
    if (container["started"] === true && state["running"] !== undefined) continue;
    if (state["terminated"] !== undefined) {
      const reason = textAt(terminated, "reason");
      return `Init:${reason === "" ? exitText(terminated) : reason}`;
    }
    const waiting = textAt(objectAt(state, "waiting"), "reason");
    if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`;
    return `Init:${index}/${total}`;
  }
  return undefined;
}

/** Sidecars may start again, or end badly, once the others run: then those count. */
function isInitialized(status: JsonObject): boolean {
  return objectsIn(status["conditions"]).some((item) => item["type"] === "Initialized" && item["status"] === "True");
}

function containerReason(status: JsonObject, phaseReason: string): string {
  let reason = phaseReason;
  let running = false;
  for (const container of objectsIn(status["containerStatuses"]).reverse()) {
    const state = objectAt(container, "state");
    const waiting = textAt(objectAt(state, "waiting"), "reason");
    const terminated = state["terminated"] === undefined ? undefined : objectAt(state, "terminated");
    if (waiting !== "") reason = waiting;
    else if (terminated) reason = textAt(terminated, "reason") || exitText(terminated);
    else if (container["ready"] === true && state["running"] !== undefined) running = true;
  }
  if (reason !== "Completed" || !running) return reason;
  const ready = objectsIn(status["conditions"]).some((item) => item["type"] === "Ready" && item["status"] === "True");
  return ready ? "Running" : "NotReady";
}

function exitText(terminated: JsonObject): string {
  const signal = numberAt(terminated, "signal");
  return signal ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, "exitCode") ?? 0}`;
}

/** The RESTARTS column: how often, and when last; of all init containers while they run, later only of those that go on. */
export function podRestartsOf(pod: JsonObject, nowMs: number): string {
  const [spec, status] = [objectAt(pod, "spec"), objectAt(pod, "status")];
  const initStatuses = objectsIn(status["initContainerStatuses"]);
  const sidecars = sidecarNames(spec);
  const counted =
    initReason(spec, status) === undefined || isInitialized(status)
      ? [
          ...initStatuses.filter((container) => sidecars.has(textAt(container, "name"))),
          ...objectsIn(status["containerStatuses"]),
        ]
      : initStatuses;
  let count = 0;
  let last = "";
  for (const container of counted) {
    count += numberAt(container, "restartCount") ?? 0;
    const finishedAt = textAt(objectAt(objectAt(container, "lastState"), "terminated"), "finishedAt");
    if (finishedAt > last) last = finishedAt;
  }
  return count > 0 && last !== "" ? `${count} (${ageOf(last, nowMs)} ago)` : String(count);
}

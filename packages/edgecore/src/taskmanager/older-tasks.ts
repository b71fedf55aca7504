import type { ImageStatus } from "@skerry/api";
import { type Clock, describeError, isJsonObject, type JsonObject, type Logger } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { actionUnknown, reasonOf, upgradeUnsupported } from "./errors.ts";
import { checkMachine, type MachineLoad } from "./machine-check.ts";
import { type OlderTaskPath, parseOlderTaskPath } from "./older-task-path.ts";
import type { StepOutcome, Steps } from "./steps.ts";

export interface OlderTasksPorts {
  readonly meta: MetaClient;
  readonly prePull: Steps;
  readonly load: MachineLoad;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a task of a state reports; the cloud alone leads from state to state (edge.md 12.2). */
const EVENT_OF_STATE: Readonly<Record<string, string>> = {
  "": "Init",
  Init: "Init",
  Checking: "Check",
  BackingUp: "Backup",
  Pulling: "Pull",
  Upgrading: "Upgrade",
  RollingBack: "Rollback",
};

/**
 * Jobs in KubeEdge's v1alpha1 form (wire.md D27), for a KubeEdge cloud that is set to it: each message asks for one stage,
 * and each is answered (U33).
 */
export class OlderTasks implements AsyncDisposable {
  readonly #ports: OlderTasksPorts;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(ports: OlderTasksPorts) {
    this.#ports = ports;
  }

  /** Begins what the message asks for; it is reported when it is done. */
  handle(message: Message): void {
    const path = parseOlderTaskPath(message.route.resource);
    if (!path) return;
    const running = this.#work(path, isJsonObject(message.content) ? message.content : {})
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted)
          this.#ports.logger.error("A job's report could not be kept", { ...path, error: describeError(error) });
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #work(path: OlderTaskPath, content: JsonObject): Promise<void> {
    const { meta } = this.#ports;
    const state = typeof content["State"] === "string" ? content["State"] : "";
    const item = isJsonObject(content["Item"]) ? content["Item"] : {};
    const outcome = await this.#stage(path, state, item);
    if (outcome.kind === "restarting") return;
    const event = EVENT_OF_STATE[state] ?? "Init";
    const report = {
      NodeName: path.node,
      State: "",
      Event: event,
      Action: outcome.kind === "done" ? "Success" : "Failure",
      Reason: outcome.reason ?? "",
      Time: "",
      ExternalMessage: event === "Pull" ? olderImageStatuses(outcome.extend) : "",
    };
    await meta.transaction((transaction) =>
      meta.outbox.put(transaction, {
        key: `task/${path.operation}/${path.task}/${event}`,
        source: "websocket",
        group: "hub",
        operation: path.operation,
        resource: `task/${path.task}/node/${path.node}`,
        content: report,
      }),
    );
  }

  async #stage({ operation }: OlderTaskPath, state: string, item: JsonObject): Promise<StepOutcome> {
    const { signal } = this.#stop;
    if (operation === "upgrade") return { kind: "failed", reason: reasonOf(upgradeUnsupported()) };
    try {
      switch (state) {
        case "":
        case "Init":
          return { kind: "done" };
        case "Checking":
          return await checkMachine(item["CheckItem"], this.#ports.load);
        case "Pulling": {
          const { Images: images, Secret: imageSecrets, RetryTimes: retryTimes } = item;
          const imagePrePullTemplate = { images, imageSecrets, retryTimes };
          const pull = this.#ports.prePull["Pull"];
          if (pull) return await pull({ id: "", spec: { imagePrePullTemplate } as JsonObject, signal });
        }
      }
      return { kind: "failed", reason: reasonOf(actionUnknown(state)) };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "failed", reason: describeError(error) };
    }
  }
}

/** v1alpha1 has states where v1alpha2 has truth values. */
function olderImageStatuses(extend = "[]"): string {
  const statuses = JSON.parse(extend) as ImageStatus[];
  const older = statuses.map(({ image, status, reason }) => ({
    image,
    state: status === "True" ? "Successful" : "Failed",
    ...(reason === undefined ? {} : { reason }),
  }));
  return JSON.stringify(older);
}

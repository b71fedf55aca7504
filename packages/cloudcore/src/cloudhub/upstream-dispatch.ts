import type { Status } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { failureStatus } from "@skerry/kube";
import {
  applicationContent,
  DYNAMIC_CONTROLLER_SOURCE,
  errorStatusContent,
  isOutboxMessageId,
  META_SERVER_SOURCE,
  type Message,
  type MessageRoute,
  type MessageStamp,
  NODE_JOB_REPORT,
  objectResponseContent,
  parseApplication,
  parseObjectPath,
  responseTo,
  TELEMETRY_SOURCE,
} from "@skerry/link";
import type { Reply, UpstreamHandlers } from "./cloud-hub-port.ts";
import { authorizeNodeMessage } from "./node-authorization.ts";
import type { NodeObjects } from "./node-objects.ts";

export interface UpstreamDispatchOptions {
  readonly handlers: UpstreamHandlers;
  readonly nodeObjects: NodeObjects;
  readonly stamp: MessageStamp;
  readonly logger: Logger;
  /** Hands an answer to the node's session. */
  readonly deliver: (nodeName: string, message: Message) => void;
  /** The authority of the Kubernetes API that pods are to trust, PEM; undefined when it is not known. */
  readonly kubernetesAuthorityPem: string | undefined;
}

/** Sources that only acknowledgements may carry (wire.md 6, row 8). */
const CLOUD_SOURCES: ReadonlySet<string> = new Set([
  "cloudhub",
  "cloudStream",
  "devicecontroller",
  "edgecontroller",
  "synccontroller",
]);

/** Reports on jobs in KubeEdge's older form; CloudCore gives nodes no such jobs. */
const OLDER_TASK_OPERATIONS: ReadonlySet<string> = new Set(["prepull", "upgrade"]);

/** Writes that are answered by an ObjectResp (wire.md 11: U4, U6, U9, U11, U19, U20). */
const OBJECT_RESPONSE_OPERATIONS: ReadonlySet<string> = new Set(["insert", "update", "patch"]);

/** Brings a node's message to the component that handles it, when the node may send it (wire.md 6). */
export class UpstreamDispatch {
  readonly #options: UpstreamDispatchOptions;
  #unhandledCount = 0;
  #forbiddenCount = 0;

  constructor(options: UpstreamDispatchOptions) {
    this.#options = options;
  }

  /** Messages that no component takes. */
  get unhandledCount(): number {
    return this.#unhandledCount;
  }

  /** Messages refused by {@link authorizeNodeMessage}. */
  get forbiddenCount(): number {
    return this.#forbiddenCount;
  }

  /** @param tryLater refuses the message for now: the API server cannot be asked whose the node is */
  async dispatch(nodeName: string, message: Message, tryLater = false): Promise<void> {
    const { handlers, logger } = this.#options;
    const { source = "", group, operation = "", resource = "" } = message.route;
    if (CLOUD_SOURCES.has(source)) return;
    if (resource === "k8s/ca.crt") {
      this.#reply(nodeName, message, { source: "cloudhub", group: "resource" })(
        this.#options.kubernetesAuthorityPem ?? "",
      );
      return;
    }
    if (group === "user" && handlers.router) {
      // Rules name the node; which one this is, its certificate says.
      await handlers.router.handle(nodeName, message, this.#reply(nodeName, message, { source, group }));
      return;
    }
    if (source === META_SERVER_SOURCE) {
      await this.#leadToApi(nodeName, message, tryLater);
      return;
    }
    if (operation === NODE_JOB_REPORT) {
      await this.#takeReport(nodeName, message, tryLater);
      return;
    }
    if (group === "user" || OLDER_TASK_OPERATIONS.has(operation)) {
      this.#unhandledCount++;
      logger.debug("A message has no component that takes it", { node: nodeName, source, operation, resource });
      return;
    }
    if (source === TELEMETRY_SOURCE) {
      await this.#takeSamples(nodeName, message);
      return;
    }
    const isTwin = source === "twin";
    const reply = this.#reply(
      nodeName,
      message,
      // All of DeviceController's answers carry one resource, whatever they answer (wire.md D14).
      isTwin
        ? { source: "devicecontroller", group: "twin", resource: "twin" }
        : { source: "edgecontroller", group: "resource" },
    );
    const verdict = authorizeNodeMessage(nodeName, message, this.#options.nodeObjects);
    if (verdict.kind === "forbidden") {
      this.#forbid(nodeName, message, verdict.reason, reply);
      return;
    }
    if (tryLater) {
      this.#refuse(message, unavailable(), reply);
      return;
    }
    await (isTwin ? handlers.deviceController : handlers.edgeController).handle(nodeName, message, reply);
  }

  /** Only a node that waits for the answer is answered: KubeEdge's might take it for a job. */
  async #takeReport(nodeName: string, message: Message, tryLater: boolean): Promise<void> {
    const { taskManager } = this.#options.handlers;
    const reply = this.#reply(nodeName, message, { source: "taskmanager", group: "taskmanager" });
    const waits = isOutboxMessageId(message.header.msg_id);
    if (tryLater && waits) this.#refuse(message, unavailable(), reply);
    else if (taskManager) await taskManager.handle(nodeName, message, reply);
    else {
      this.#unhandledCount++;
      const text = "this CloudCore carries out no jobs";
      if (waits) this.#refuse(message, failureStatus(405, "MethodNotAllowed", text), reply);
    }
  }

  /** Whose device a sample is about the handler judges: one message is about many. */
  async #takeSamples(nodeName: string, message: Message): Promise<void> {
    const { telemetry } = this.#options.handlers;
    const reply = this.#reply(nodeName, message, {});
    if (telemetry !== undefined) return await telemetry.handle(nodeName, message, reply);
    this.#unhandledCount++;
    reply(errorStatusContent(failureStatus(503, "ServiceUnavailable", "this CloudCore keeps no samples")));
  }

  /** What the node may do there the API server judges. */
  async #leadToApi(nodeName: string, message: Message, tryLater: boolean): Promise<void> {
    const { dynamicController } = this.#options.handlers;
    const route = { source: DYNAMIC_CONTROLLER_SOURCE, group: "resource" };
    const reply = this.#reply(nodeName, message, route);
    if (dynamicController && !tryLater) return await dynamicController.handle(nodeName, message, reply);
    this.#unhandledCount++;
    const text = tryLater
      ? "the Kubernetes API does not answer CloudCore; try again"
      : "the cloud serves no MetaServers; switch on modules.dynamicController in cloudcore.yaml";
    const application = parseApplication(message.content);
    const status = failureStatus(503, "ServiceUnavailable", text);
    // A whole set of watches has no refusal of its own; an edge that hears nothing asks again.
    if (application) reply(applicationContent(application, { kind: "rejected", status }));
  }

  #forbid(nodeName: string, message: Message, reason: string, reply: Reply): void {
    this.#forbiddenCount++;
    const { operation = "", resource = "" } = message.route;
    this.#options.logger.warn("A node asked for what is not its own; refused", {
      node: nodeName,
      operation,
      resource,
      reason,
    });
    const text = `node "${nodeName}" may not ${operation} ${resource}: ${reason}`;
    this.#refuse(message, failureStatus(403, "Forbidden", text), reply);
  }

  #refuse(message: Message, status: Status, reply: Reply): void {
    const { source, operation = "", resource = "" } = message.route;
    const type = parseObjectPath(resource)?.type;
    // For the answer to an event only Skerry's edge waits.
    if (type === "event" && !isOutboxMessageId(message.header.msg_id)) return;
    const isWrite = source !== "twin" && (OBJECT_RESPONSE_OPERATIONS.has(operation) || type === "lease");
    reply(isWrite ? objectResponseContent({ kind: "error", status }) : errorStatusContent(status));
  }

  #reply(nodeName: string, request: Message, route: MessageRoute): Reply {
    const { stamp, deliver } = this.#options;
    return (content, options) => deliver(nodeName, responseTo(stamp, request, content, { route, ...options }));
  }
}

function unavailable(): Status {
  return failureStatus(503, "ServiceUnavailable", "the Kubernetes API does not answer CloudCore; try again");
}

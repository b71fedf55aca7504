import type { Logger } from "@skerry/base";
import { describeError } from "@skerry/base";
import { isOutboxMessageId, type Message, parseObjectPath } from "@skerry/link";
import type { Reply, UpstreamHandler } from "../../cloudhub/cloud-hub-port.ts";
import { errorContent } from "./object-response.ts";
import { badRequest, unsupported } from "./refusals.ts";
import type { RequestHandler } from "./request.ts";

/**
 * Finds the handler of each upstream message by `<type> <operation>`, or `<type>` for any operation. Every request gets an
 * answer, a refusal where there is no handler: KubeEdge leaves those waiting for a minute (cloud.md 14, 23). Events get one
 * only from a Skerry's outbox, which keeps them until then: KubeEdge's edge does not wait for it (wire.md U21).
 */
export class UpstreamRequests implements UpstreamHandler {
  readonly #handlers: ReadonlyMap<string, RequestHandler>;
  readonly #logger: Logger;

  constructor(handlers: readonly Record<string, RequestHandler>[], logger: Logger) {
    this.#handlers = new Map(handlers.flatMap((table) => Object.entries(table)));
    this.#logger = logger;
  }

  async handle(nodeName: string, message: Message, reply: Reply): Promise<void> {
    const { operation = "", resource = "" } = message.route;
    // A stopping KubeEdge EdgeCore sends one message without any content (wire.md U35).
    if (operation === "" && resource === "") return;
    const isEvent = parseObjectPath(resource)?.type === "event";
    const isKept = isOutboxMessageId(message.header.msg_id);
    try {
      const path = parseObjectPath(resource);
      if (!path) throw badRequest(`"${resource}" is not of the form <namespace>/<type>/<name>`);
      const handler = this.#handlers.get(`${path.type} ${operation}`) ?? this.#handlers.get(path.type);
      if (!handler) throw unsupported(operation, path.type);
      await handler({
        nodeName,
        operation,
        namespace: path.namespace ?? "",
        type: path.type,
        name: path.name ?? "",
        content: message.content,
        reply,
      });
      if (isEvent && isKept) reply("OK");
    } catch (error) {
      this.#logger.debug("A node's request failed", { nodeName, operation, resource, reason: describeError(error) });
      if (!isEvent || isKept) reply(errorContent(error));
    }
  }
}

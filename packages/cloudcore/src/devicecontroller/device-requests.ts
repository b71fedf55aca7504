import type { Clock, JsonValue, Logger, Random } from "@skerry/base";
import { describeError } from "@skerry/base";
import { ApiError, failureStatus, isApiError } from "@skerry/kube";
import { errorStatusContent, type Message, newMessage, parseDevicePath } from "@skerry/link";
import type { CloudHubPort, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { type DeviceReport, readStateReport, readTwinReport } from "./device-reports.ts";
import type { DeviceStatusWriter } from "./device-status-writer.ts";
import { membershipMessage } from "./membership.ts";

/** What {@link DeviceRequests} lives on. */
export interface DeviceRequestsOptions {
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly writer: DeviceStatusWriter;
}

/** Reports of one node that are not stored yet; at the limit the node waits. */
const PENDING_LIMIT = 256;

/** What nodes say about devices (wire.md U26-U28); each is answered once it is stored, refusals too. */
export class DeviceRequests implements UpstreamHandler {
  readonly #options: DeviceRequestsOptions;
  readonly #pending = new Map<string, number>();

  constructor(options: DeviceRequestsOptions) {
    this.#options = options;
  }

  async handle(nodeName: string, message: Message): Promise<void> {
    const { resource = "", operation = "" } = message.route;
    // Confirms the query, which a KubeEdge edge otherwise repeats for ever (wire.md W17). What it asks for comes anyway:
    // the SyncController compares the node's devices whenever it connects.
    if (resource === "membership/detail") {
      this.#answer(nodeName, message, "OK", resource);
      return;
    }
    const path = parseDevicePath(resource);
    const read = path && readers[path.subject];
    if (!path || !read || operation !== "update") {
      this.#refuse(nodeName, message, unsupported(operation, resource));
      return;
    }
    let report: DeviceReport;
    try {
      report = read(message.content);
    } catch (error) {
      this.#refuse(nodeName, message, error);
      return;
    }
    const stored = this.#store(nodeName, message, path, report);
    if ((this.#pending.get(nodeName) ?? 0) >= PENDING_LIMIT) await stored;
  }

  async #store(
    nodeName: string,
    message: Message,
    { namespace, name }: { namespace: string; name: string },
    report: DeviceReport,
  ): Promise<void> {
    this.#pending.set(nodeName, (this.#pending.get(nodeName) ?? 0) + 1);
    try {
      await this.#options.writer.report(nodeName, namespace, name, report);
      this.#answer(nodeName, message, "OK", "twin");
    } catch (error) {
      this.#refuse(nodeName, message, error);
      const { cloudHub, clock, random } = this.#options;
      const gone = { apiVersion: "", kind: "", metadata: { namespace, name } };
      if (isApiError(error, "NotFound"))
        cloudHub.deliver(nodeName, membershipMessage({ clock, random }, "removed", gone));
    } finally {
      const left = (this.#pending.get(nodeName) ?? 1) - 1;
      if (left > 0) this.#pending.set(nodeName, left);
      else this.#pending.delete(nodeName);
    }
  }

  #refuse(nodeName: string, message: Message, error: unknown): void {
    const status = error instanceof ApiError ? error.status : failureStatus(500, "InternalError", describeError(error));
    this.#options.logger.debug("A node's device report was refused", {
      nodeName,
      resource: message.route.resource,
      reason: describeError(error),
    });
    this.#answer(nodeName, message, errorStatusContent(status), "twin");
  }

  /** Reports are answered on the resource `twin` (wire.md D14). */
  #answer(nodeName: string, request: Message, content: JsonValue, resource: string): void {
    const { cloudHub, clock, random } = this.#options;
    const route = { source: "devicecontroller", group: "twin", operation: "response", resource };
    const parentId = request.header.msg_id;
    cloudHub.deliver(nodeName, newMessage({ clock, random }, route, content, { parentId }));
  }
}

const readers: Readonly<Record<string, (content: JsonValue) => DeviceReport>> = {
  "twin/edge_updated": readTwinReport,
  "state/update": readStateReport,
};

function unsupported(operation: string, resource: string): ApiError {
  return new ApiError(
    failureStatus(405, "MethodNotAllowed", `CloudCore does not support operation "${operation}" on "${resource}"`),
  );
}

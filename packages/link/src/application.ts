import type { Status } from "@skerry/api";
import { fromBase64, isJsonObject, type JsonObject, type JsonValue, toBase64 } from "@skerry/base";
import { errorStatusContent, errorStatusOf } from "./object-response.ts";

/** What a MetaServer asks the cloud's Kubernetes API for (wire.md 12.4). */
export type ApplicationVerb = "get" | "list" | "watch" | "create" | "update" | "updatestatus" | "patch" | "delete";

/** One request of a MetaServer, with byte fields decoded. */
export interface Application {
  /** The edge's own name for it; of a watch, the name of the listener. */
  readonly id: string;
  /** `/<group or core>/<version>/<resource>/<namespace or null>/<name or null>`, or the path of a pass-through. */
  readonly key: string;
  readonly verb: ApplicationVerb;
  readonly nodeName: string;
  /** The request's options: List-, Create-, …Options of meta/v1, or that of a patch. */
  readonly option: JsonObject;
  /** JSON of the object that is written. */
  readonly requestBody?: string;
  readonly subresource: string;
}

/** What became of it. */
export type ApplicationOutcome =
  | { readonly kind: "approved"; readonly responseBody?: string }
  | { readonly kind: "rejected"; readonly status: Status };

/** Source of a MetaServer's messages. */
export const META_SERVER_SOURCE = "metaserver";
/** Source of the messages to it. */
export const DYNAMIC_CONTROLLER_SOURCE = "dynamiccontroller";
/** Resource of the message with all watches of a MetaServer (wire.md U30, D17). */
export const WATCH_SET_RESOURCE = "watchapp/sync";

/** Watches that a node may have in the cloud at once. */
export const MAX_NODE_WATCHES = 50;

const VERBS: ReadonlySet<string> = new Set([
  "get",
  "list",
  "watch",
  "create",
  "update",
  "updatestatus",
  "patch",
  "delete",
] satisfies ApplicationVerb[]);

/** Go's zero time: the edge's own bookkeeping is empty on the wire. */
const NO_TIME = "0001-01-01T00:00:00Z";
const NO_ERROR: JsonObject = { ErrStatus: { metadata: {} } };

/** Reads an application from a message's content; undefined when it is none. */
export function parseApplication(content: JsonValue): Application | undefined {
  if (!isJsonObject(content)) return undefined;
  const { ID, Key, Verb, Nodename, Option, ReqBody, Subresource } = content;
  if (typeof ID !== "string" || ID === "" || typeof Key !== "string" || !isVerb(Verb)) return undefined;
  const option = readOption(Option);
  if (!option || !isBytes(ReqBody)) return undefined;
  return {
    id: ID,
    key: Key,
    verb: Verb,
    nodeName: typeof Nodename === "string" ? Nodename : "",
    option,
    ...(typeof ReqBody === "string" && ReqBody !== "" ? { requestBody: textOf(ReqBody) } : {}),
    subresource: typeof Subresource === "string" ? Subresource : "",
  };
}

/** The content of a message with this application; with `outcome` that of its answer. */
export function applicationContent(application: Application, outcome?: ApplicationOutcome): JsonObject {
  const { id, key, verb, nodeName, option, requestBody, subresource } = application;
  const responseBody = outcome?.kind === "approved" ? outcome.responseBody : undefined;
  return {
    ID: id,
    Key: key,
    Verb: verb,
    Nodename: nodeName,
    Option: bytesOf(JSON.stringify(option)),
    // What the node has sent it need not get again.
    ReqBody: requestBody === undefined || outcome ? null : bytesOf(requestBody),
    Subresource: subresource,
    RespBody: responseBody === undefined ? null : bytesOf(responseBody),
    Status: outcome ? (outcome.kind === "approved" ? "Approved" : "Rejected") : "InApplying",
    Reason: "",
    Error: outcome?.kind === "rejected" ? errorStatusContent(outcome.status) : NO_ERROR,
    Timestamp: NO_TIME,
  };
}

/** Reads the answer to an application; undefined when it is none. */
export function parseApplicationOutcome(content: JsonValue): ApplicationOutcome | undefined {
  if (!isJsonObject(content)) return undefined;
  const { Status, RespBody, Reason } = content;
  if (Status === "Approved")
    return isBytes(RespBody)
      ? { kind: "approved", ...(typeof RespBody === "string" ? { responseBody: textOf(RespBody) } : {}) }
      : undefined;
  if (Status !== "Rejected" && Status !== "Failed") return undefined;
  return { kind: "rejected", status: rejection(content["Error"], typeof Reason === "string" ? Reason : "") };
}

/** An error of the API comes as its Status, any other as a text (edge.md 7.4). */
function rejection(error: JsonValue | undefined, reason: string): Status {
  const carried = isJsonObject(error) ? error["ErrStatus"] : undefined;
  const hasStatus = isJsonObject(carried) && (carried["code"] !== undefined || carried["reason"] !== undefined);
  const content: JsonObject = hasStatus
    ? { ErrStatus: carried }
    : { ErrStatus: { message: reason || "the cloud refused the request without a reason", reason: "InternalError" } };
  const status = errorStatusOf(content);
  if (!status) throw new TypeError("a content with ErrStatus has a Status");
  return status;
}

function isVerb(value: JsonValue | undefined): value is ApplicationVerb {
  return typeof value === "string" && VERBS.has(value);
}

function isBytes(value: JsonValue | undefined): boolean {
  return value === null || value === undefined || typeof value === "string";
}

function readOption(value: JsonValue | undefined): JsonObject | undefined {
  if (value === null || value === undefined || value === "") return {};
  if (typeof value !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(textOf(value));
    if (parsed === null) return {};
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function textOf(base64: string): string {
  return new TextDecoder().decode(fromBase64(base64));
}

function bytesOf(text: string): string {
  return toBase64(new TextEncoder().encode(text));
}

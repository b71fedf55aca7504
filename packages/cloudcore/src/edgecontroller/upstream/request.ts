import type { JsonValue } from "@skerry/base";
import type { Reply } from "../../cloudhub/cloud-hub-port.ts";

/** One upstream request, its resource path taken apart. */
export interface UpstreamRequest {
  /** From the node's certificate. */
  readonly nodeName: string;
  readonly operation: string;
  /** Empty for cluster-scoped objects (`null` on the wire). */
  readonly namespace: string;
  /** `pod`, `nodepatch`, … */
  readonly type: string;
  /** Empty when the path has none. */
  readonly name: string;
  readonly content: JsonValue;
  readonly reply: Reply;
}

/** Answers one kind of request; throws what `errorContent` can describe. */
export type RequestHandler = (request: UpstreamRequest) => Promise<void>;

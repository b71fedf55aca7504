import { type Clock, type JsonObject, type Random, toKubernetesMicroTime } from "@skerry/base";
import type { ApiRequest } from "../apiserver/api-request.ts";
import type { RequestPath } from "../apiserver/resource-path.ts";
import type { UserInfo } from "../registry/request-context.ts";

/** Longest request URI that is kept, in characters. */
const URI_LIMIT = 2_000;

/** What becomes known of a request while it is answered. */
export interface AuditTrail {
  readonly receivedMs: number;
  /** Who asks, as authentication found. */
  user?: UserInfo;
  /** For whom, when it is somebody else. */
  impersonated?: UserInfo;
  verb?: string;
  path?: RequestPath;
}

/**
 * Writes who asked for what and how it was answered: a line of JSON each, an `audit.k8s.io/v1` Event of the level Metadata.
 * Bodies are not in it, and so no Secrets.
 */
export class AuditLog {
  readonly #write: (line: string) => void;
  readonly #clock: Clock;
  readonly #random: Random;

  /** @param write takes a whole line; it must bound what it keeps */
  constructor(write: (line: string) => void, clock: Clock, random: Random) {
    this.#write = write;
    this.#clock = clock;
    this.#random = random;
  }

  /** Writes the line of a request that was answered, or a stream that has begun. */
  record(trail: AuditTrail, request: Omit<ApiRequest, "body">, status: number): void {
    const query = request.query.toString();
    const event: JsonObject = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: this.#random.uuid(),
      // A watch or a stream has only begun.
      stage: trail.verb === "watch" || status === 101 ? "ResponseStarted" : "ResponseComplete",
      requestURI: `${request.path}${query === "" ? "" : `?${query}`}`.slice(0, URI_LIMIT),
      verb: trail.verb ?? request.method.toLowerCase(),
      ...(trail.user ? { user: userOf(trail.user) } : {}),
      ...(trail.impersonated ? { impersonatedUser: userOf(trail.impersonated) } : {}),
      ...(request.sourceAddress === undefined ? {} : { sourceIPs: [request.sourceAddress] }),
      ...(request.headers["user-agent"] === undefined
        ? {}
        : { userAgent: request.headers["user-agent"].slice(0, URI_LIMIT) }),
      ...(trail.path?.kind === "resource" ? { objectRef: objectOf(trail.path) } : {}),
      responseStatus: { metadata: {}, code: status },
      requestReceivedTimestamp: toKubernetesMicroTime(trail.receivedMs),
      stageTimestamp: toKubernetesMicroTime(this.#clock.now()),
    };
    this.#write(`${JSON.stringify(event)}\n`);
  }
}

function userOf({ username, groups }: UserInfo): JsonObject {
  return { username, groups: [...groups] };
}

function objectOf(path: RequestPath & { kind: "resource" }): JsonObject {
  const { resource, namespace, name, group, version, subresource } = path;
  const members = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ""));
}

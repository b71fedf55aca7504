import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** The kinds of node jobs, as the wire names them (edge.md 12.1). */
export type NodeJobType = "imageprepulljob" | "configupdatejob" | "nodeupgradejob";

/**
 * The steps of each kind, in order. A failed step ends a node's part, but after {@link ROLLED_BACK_AFTER} the node goes
 * back, and reports that as a step of its own.
 */
export const NODE_JOB_FLOWS: Readonly<Record<NodeJobType, readonly string[]>> = {
  imageprepulljob: ["Check", "Pull"],
  configupdatejob: ["Check", "BackUp", "Update"],
  nodeupgradejob: ["Check", "WaitingConfirmation", "BackUp", "Upgrade"],
};

/** Steps whose failure makes the node go back. */
export const ROLLED_BACK_AFTER: ReadonlySet<string> = new Set(["Update", "Upgrade"]);

/** The step of going back. */
export const ROLL_BACK = "RollBack";

/** Operation of a report (wire.md U32). */
export const NODE_JOB_REPORT = "UpdateNodeActionStatus";

/** What a job message is about. */
export interface NodeJobPath {
  readonly type: NodeJobType;
  readonly job: string;
  readonly node: string;
}

const GROUP_VERSION = ["operations.kubeedge.io", "v1alpha2"] as const;

/** `operations.kubeedge.io/v1alpha2/<type>/<job>/node/<node>`. */
export function nodeJobPath({ type, job, node }: NodeJobPath): string {
  return [...GROUP_VERSION, type, job, "node", node].join("/");
}

/** Undefined for any other path. Read by position: a job may be named `node` (wire.md W40). */
export function parseNodeJobPath(resource: string | undefined): NodeJobPath | undefined {
  const [group, version, type = "", job = "", marker, node = "", ...rest] = (resource ?? "").split("/");
  if (group !== GROUP_VERSION[0] || version !== GROUP_VERSION[1] || marker !== "node" || rest.length > 0)
    return undefined;
  if (!isNodeJobType(type) || job === "" || node === "") return undefined;
  return { type, job, node };
}

function isNodeJobType(type: string): type is NodeJobType {
  return Object.hasOwn(NODE_JOB_FLOWS, type);
}

/** A node's report of one step (wire.md 12.8). */
export interface NodeJobReport {
  readonly action: string;
  readonly succeeded: boolean;
  /** RFC 3339, UTC. */
  readonly finishTime: string;
  readonly reason: string;
  /** An upgrade's `<from>,<to>`; a pull's JSON list of what became of each image. */
  readonly extend: string;
  /**
   * The job's UID, when the node knows it (a node with Skerry's EdgeCore, from the message's id): a job of the same name
   * may have taken its place.
   */
  readonly jobUid?: string;
}

/** A report as it crosses the link. KubeEdge's cloud reads its own members only. */
export function nodeJobReportContent(report: NodeJobReport): JsonObject {
  const { action, succeeded, finishTime, reason, extend, jobUid } = report;
  return { action, succ: succeeded, finishTime, reason, extend, ...(jobUid === undefined ? {} : { jobUid }) };
}

const LONGEST_REASON = 2_000;
const LONGEST_EXTEND = 256 * 1024;

/** Undefined when it is no report. Texts of absurd length are cut. */
export function readNodeJobReport(content: JsonValue): NodeJobReport | undefined {
  const parsed = typeof content === "string" ? parsedOrUndefined(content) : content;
  if (!isJsonObject(parsed)) return undefined;
  const { action, succ, jobUid } = parsed;
  if (typeof action !== "string" || typeof succ !== "boolean") return undefined;
  const text = (name: string, longest: number): string => {
    const value = parsed[name];
    return typeof value === "string" ? value.slice(0, longest) : "";
  };
  return {
    action: action.slice(0, 100),
    succeeded: succ,
    finishTime: text("finishTime", 64),
    reason: text("reason", LONGEST_REASON),
    extend: text("extend", LONGEST_EXTEND),
    ...(typeof jobUid === "string" ? { jobUid: jobUid.slice(0, 64) } : {}),
  };
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

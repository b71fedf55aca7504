import { refused } from "../errors.ts";

/** What is asked of a container's log; KubeEdge's and Kubernetes' query of `/containerLogs`. */
export interface LogOptions {
  readonly follow: boolean;
  /** The container before the present one. */
  readonly previous: boolean;
  /** Whether each line begins with its time. */
  readonly timestamps: boolean;
  /** Only lines from then on; milliseconds since the Unix epoch. */
  readonly sinceMs: number | undefined;
  /** Only so many lines from the end. */
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
}

/** Reads the query. @throws SkerryError `STREAMS_REFUSED` */
export function readLogOptions(query: string, nowMs: number): LogOptions {
  const parameters = new URLSearchParams(query);
  const flag = (name: string): boolean => ["true", "1"].includes(parameters.get(name) ?? "");
  const sinceSeconds = count(parameters, "sinceSeconds");
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    sinceMs: sinceSeconds === undefined ? time(parameters, "sinceTime") : nowMs - sinceSeconds * 1000,
    tailLines: count(parameters, "tailLines"),
    limitBytes: count(parameters, "limitBytes"),
  };
}

function count(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (text === "" || !Number.isSafeInteger(value) || value < 0) throw refused(400, `${name} must be a whole number`);
  return value;
}

function time(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw refused(400, `${name} must be a time such as 2026-01-31T08:00:00Z`);
  return value;
}

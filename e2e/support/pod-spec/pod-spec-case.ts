import { readlinkSync } from "node:fs";
import { podOf } from "../planted-pods.ts";

export { podOf } from "../planted-pods.ts";

/** A pod that shows what becomes of some fields. */
export interface ShownFields {
  readonly name: string;
  /** The fields that it shows, as docs/pod-spec.md names them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly pod: object;
  readonly others?: readonly object[];
}

/** A pod that runs to its end, and whose container says what it finds; each line of its log is one finding. */
export interface PodSpecCase extends ShownFields {
  readonly expected: readonly (string | RegExp)[];
  /** Whose log it is. @default "app" */
  readonly container?: string;
  /** @default "Succeeded" */
  readonly phase?: "Succeeded" | "Failed";
}

/** A pod that must not be started, and the Event that says why. */
export interface RefusedCase extends ShownFields {
  readonly reason: string;
  readonly message: RegExp;
}

export const IMAGE: object = { image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
/** A folder of the machine, for what must be seen from there. */
export const HOST_FOLDER = "/tmp/skerry-e2e-pod-spec";
/** One in which mounts are shared. */
export const HOST_MOUNTS = "/tmp/skerry-e2e-pod-spec-mounts";

export const script = (...lines: readonly string[]): object => ({ command: ["sh", "-c", lines.join("\n")] });

/** A pod that runs a script to its end. */
export const once = (name: string, container: object, spec: object = {}): object =>
  podOf(name, container, { restartPolicy: "Never", ...spec });

export const mounts = (...names: readonly string[]): object[] => names.map((name) => ({ name, mountPath: `/${name}` }));

export const namespaceOf = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`);

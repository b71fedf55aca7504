import type { RuntimeStatus } from "@skerry/edgecore/platform";

/** A TCP port that must be reached. */
export interface ExaminedPort {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  /** Undefined: it answered. */
  readonly failure: string | undefined;
}

/** What the doctor has found out of a machine; plain data, which the checks judge. */
export interface Examined {
  readonly nowMs: number;
  readonly nodeVersion: string;
  /** What CloudCore's clock says, minus this machine's; undefined when it could not be asked. */
  readonly clockDifferenceMs: number | undefined;
  /** Names that must resolve, and why they do not. */
  readonly names: readonly { readonly name: string; readonly failure: string | undefined }[];
  readonly ports: readonly ExaminedPort[];
  readonly certificates: readonly {
    readonly what: string;
    readonly path: string;
    /** Undefined when the file is missing or unreadable. */
    readonly validity: { readonly fromMs: number; readonly untilMs: number } | undefined;
  }[];
  readonly disk: {
    readonly path: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly isWritable: boolean;
  };
  readonly memoryAvailableBytes: number;
  /** Undefined on a machine that runs no node. */
  readonly node:
    | {
        readonly name: string;
        readonly isRoot: boolean;
        readonly controlGroups: { readonly cpu: boolean; readonly memory: boolean };
        readonly runtime: RuntimeStatus | { readonly failure: string };
      }
    | undefined;
  /** Of the supervisor; none when it does not run. */
  readonly processes: readonly { readonly name: string; readonly isRunning: boolean; readonly reason: string }[];
  readonly isSupervised: boolean;
}

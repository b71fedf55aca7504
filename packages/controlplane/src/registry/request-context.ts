import type { WriteAttempt } from "../admission/webhooks/reviewed-write.ts";

/** Who makes a request. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a write does with members that the kind does not know. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** What accompanies a write through the registry. */
export interface RequestContext {
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Under which name the fields that change are owned. */
  readonly fieldManager: string;
  /** Members that the body has twice. */
  readonly duplicates?: readonly string[];
  /** Texts for the client's terminal; filled while the request is handled. */
  readonly warnings: string[];
  /** One try at a write that webhooks have a say in; left out where none has. */
  readonly attempt?: WriteAttempt;
}

/** Who owns what the control plane's own components write, when they do not say otherwise. */
export const CONTROLLER_MANAGER = "kube-controller-manager";

/** The control plane itself, as its controllers act through the in-process API. */
export const SYSTEM_USER: UserInfo = { username: "system:skerry", groups: ["system:masters", "system:authenticated"] };

/** A context of the control plane's own writes. */
export function systemContext(dryRun = false, fieldManager: string = CONTROLLER_MANAGER): RequestContext {
  return { user: SYSTEM_USER, dryRun, fieldValidation: "Ignore", fieldManager, warnings: [] };
}

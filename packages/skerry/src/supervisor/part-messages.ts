import { SkerryError } from "@skerry/base";
import { codedError } from "../errors.ts";

/** What a part tells its supervisor over the IPC channel. */
export type PartMessage =
  | { readonly kind: "ready"; readonly facts: Readonly<Record<string, string | number>> }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly advice: string };

/** Tells the supervisor, if there is one, that this part is ready. */
export function tellReady(facts: Readonly<Record<string, string | number>> = {}): void {
  process.send?.({ kind: "ready", facts } satisfies PartMessage);
}

/** Tells the supervisor, if there is one, why this part ends. */
export function tellFailed(thrown: unknown): void {
  const error = codedError(thrown);
  const described = error instanceof SkerryError ? error : undefined;
  process.send?.({
    kind: "failed",
    code: described?.code ?? "SKERRY_PART_FAILED",
    message: error instanceof Error ? error.message : String(error),
    advice: described?.advice ?? "See its log.",
  } satisfies PartMessage);
}

/** Whether something that came over IPC is a part's message. */
export function isPartMessage(value: unknown): value is PartMessage {
  return (
    typeof value === "object" && value !== null && "kind" in value && ["ready", "failed"].includes(String(value.kind))
  );
}

import { readFileSync } from "node:fs";
import type { Message } from "@skerry/link";

/** One line of a recording of the link between a KubeEdge edge and cloud. */
export type RecordedEvent =
  | { readonly kind: "opened" | "closed"; readonly timeMs: number }
  | { readonly kind: "from-edge" | "from-cloud"; readonly timeMs: number; readonly message: Message };

interface Line {
  readonly dir: "edge->cloud" | "cloud->edge";
  readonly ts: number;
  readonly event?: "opened" | "closed";
  readonly msg?: Message;
}

/** Reads a phase, e.g. `01-join-registration`. */
export function readPhase(name: string): RecordedEvent[] {
  const text = readFileSync(new URL(`../../../../../fixtures/link/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => toEvent(JSON.parse(line) as Line));
}

function toEvent({ dir, ts, event, msg }: Line): RecordedEvent {
  if (msg) return { kind: dir === "edge->cloud" ? "from-edge" : "from-cloud", timeMs: ts, message: msg };
  return { kind: event ?? "closed", timeMs: ts };
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Message } from "@skerry/link";

/** One line of a recording of the link between a KubeEdge edge and its cloud. */
export type RecordedLine =
  | { readonly kind: "opened" | "closed" }
  | { readonly kind: "down" | "up"; readonly message: Message };

/** A recorded phase: its file and what happened in it. */
export interface RecordedPhase {
  readonly name: string;
  readonly lines: readonly RecordedLine[];
}

const folder = join(import.meta.dirname, "../../../../../fixtures/link");

/** All recorded phases in the order in which they happened. */
export function recordedPhases(): RecordedPhase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .map((name) => ({
      name,
      lines: readFileSync(join(folder, name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => lineOf(JSON.parse(line) as RawLine)),
    }));
}

interface RawLine {
  readonly dir: "edge->cloud" | "cloud->edge";
  readonly event?: "opened" | "closed";
  readonly msg?: Message;
}

function lineOf(line: RawLine): RecordedLine {
  if (line.msg) return { kind: line.dir === "cloud->edge" ? "down" : "up", message: line.msg };
  return { kind: line.event ?? "closed" };
}

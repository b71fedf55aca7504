import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../installation.ts";

export type Json = string | number | boolean | null | Json[] | { [member: string]: Json };

/** One HTTP request that a command caused, with its answer; a watch's answer is the list of its events. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly answer: Json;
}

/** One command of a recording. */
export interface RecordedCommand {
  readonly command: string;
  /** null: it was ended from outside, as it does not end by itself. */
  readonly exit: number | null;
  /** null: longer than the recorder kept. */
  readonly stdout: string | null;
  readonly stderr: string;
  readonly exchanges: readonly Exchange[];
}

export const recordings = ["01-read", "02-apply", "03-pod-crd-rbac", "04-raw"] as const;
export type RecordingName = (typeof recordings)[number];

/** Where the recorded commands find their manifests. */
export const recordedFolder: string = join(root, "fixtures/kubernetes/recorded");

/** What was recorded of kubectl against a real kube-apiserver. */
export function readRecording(name: RecordingName): RecordedCommand[] {
  const text = readFileSync(join(recordedFolder, `${name}.jsonl`), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RecordedCommand);
}

/** A command line as a shell reads it, as far as the recordings need it: words, quotes, and `| head -N` at the end. */
export function parseCommand(command: string): { readonly words: readonly string[]; readonly headLines?: number } {
  const [, line = command, head] = /^(.*) \| head -(\d+)$/.exec(command) ?? [];
  const words = [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_whole, single?: string, double?: string) => single ?? double ?? ""),
  );
  return head === undefined ? { words } : { words, headLines: Number(head) };
}

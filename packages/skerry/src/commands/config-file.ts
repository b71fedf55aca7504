import { readFileSync, statSync } from "node:fs";
import type { JsonValue } from "@skerry/base";
import { parseDocument } from "yaml";
import { configUnreadable } from "../errors.ts";

/** Real configurations have some 10 KiB. */
const LONGEST_FILE_BYTES = 1024 * 1024;

/** Reads a YAML file as JSON values. Throws SKERRY_CONFIG_UNREADABLE, with line and column of a mistake. */
export function readConfigFile(path: string): JsonValue {
  let text: string;
  try {
    if (statSync(path).size > LONGEST_FILE_BYTES) throw new Error(`it has more than ${LONGEST_FILE_BYTES} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw configUnreadable(path, error instanceof Error ? error.message : String(error));
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake) throw configUnreadable(path, mistake.message.split("\n")[0] ?? "no YAML");
  return document.toJS({ maxAliasCount: 100 }) as JsonValue; // YAML's core schema gives JSON's values only.
}

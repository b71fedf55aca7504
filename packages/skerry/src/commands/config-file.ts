import { readFileSync, statSync } from "node:fs";
import type { JsonValue } from "@skerry/base";
import { configUnreadable } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";

/** Real configurations have some 10 KiB. */
const LONGEST_FILE_BYTES = 1024 * 1024;

/**
 * Reads a YAML file as JSON values. One that is JSON below its first comments, as Skerry writes those of its own parts, is
 * read without the YAML package, which would stay in memory: 1 MB. Throws SKERRY_CONFIG_UNREADABLE, with line and column
 * of a mistake.
 */
export async function readConfigFile(path: string): Promise<JsonValue> {
  let text: string;
  try {
    if (statSync(path).size > LONGEST_FILE_BYTES) throw new Error(`it has more than ${LONGEST_FILE_BYTES} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw configUnreadable(path, fileProblem(error));
  }
  const body = text.replace(/^(#.*\n)*/, "");
  if (body.startsWith("{")) {
    try {
      return JSON.parse(body) as JsonValue;
    } catch {
      // YAML in braces.
    }
  }
  const { parseDocument } = await import("./yaml.ts");
  const document = parseDocument(text, { uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake) throw configUnreadable(path, mistake.message.split("\n")[0] ?? "no YAML");
  return document.toJS({ maxAliasCount: 100 }) as JsonValue; // YAML's core schema gives JSON's values only.
}

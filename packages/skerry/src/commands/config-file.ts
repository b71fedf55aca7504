import type { JsonValue } from "@skerry/base";
import { configUnreadable } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { readTextFile } from "../read-text-file.ts";

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
    text = readTextFile(path, LONGEST_FILE_BYTES);
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
  try {
    const document = parseDocument(text);
    const [mistake] = document.errors;
    if (mistake) throw mistake;
    return document.toJS({ maxAliasCount: 100 }) as JsonValue; // YAML's core schema gives JSON's values only.
  } catch (error) {
    throw configUnreadable(path, fileProblem(error));
  }
}

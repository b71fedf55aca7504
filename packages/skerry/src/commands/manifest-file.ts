import type { JsonValue } from "@skerry/base";
import { parseAllDocuments } from "yaml";
import { manifestUnreadable } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { readTextFile } from "../read-text-file.ts";

const LONGEST_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Reads the documents of a YAML file but the empty ones.
 * @param kind what the file should be, for who is told that it is not
 * @throws `SKERRY_MANIFEST_UNREADABLE`
 */
export function readManifestFile(path: string, kind: string): readonly JsonValue[] {
  try {
    return parseAllDocuments(readTextFile(path, LONGEST_FILE_BYTES)).flatMap((document) => {
      const [mistake] = document.errors;
      if (mistake) throw mistake;
      const value = document.toJS({ maxAliasCount: 100 }) as JsonValue; // YAML's core schema gives JSON's values only.
      return value === null ? [] : [value];
    });
  } catch (error) {
    throw manifestUnreadable(path, kind, fileProblem(error));
  }
}

import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { convertOlderDevices } from "@skerry/api";
import { isJsonObject, type JsonValue } from "@skerry/base";
import { parseAllDocuments, stringify } from "yaml";
import { manifestUnreadable, usageError } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { type Command, EXIT_OK } from "./command.ts";

/** What a file should be, for who is told that it is not. */
const KIND = "Kubernetes manifest";
const LONGEST_FILE_BYTES = 16 * 1024 * 1024;

/** `skerry convert FILE`. */
export const convert: Command = {
  name: "convert",
  summary: "turn older KubeEdge device manifests into v1beta1",
  help: `skerry convert FILE…

Prints KubeEdge's Device and DeviceModel manifests of v1alpha1 and v1alpha2 as v1beta1, other objects as they are. What
has no place any more is told on standard error. A v1alpha1 model's visitors need its devices in the same call.

Examples:
  skerry convert device.yaml | kubectl apply -f -
  skerry convert model.yaml instance.yaml > new.yaml
`,
  async run(parameters) {
    const { positionals } = parseArgs({ args: [...parameters], options: {}, allowPositionals: true });
    if (positionals.length === 0) throw usageError("Use `skerry convert FILE`");
    const { objects, notes } = convertOlderDevices(positionals.flatMap(readDocuments));
    process.stdout.write(objects.map((object) => stringify(object)).join("---\n"));
    for (const note of notes) process.stderr.write(`${note}\n`);
    return EXIT_OK;
  },
};

/** Throws SKERRY_MANIFEST_UNREADABLE. */
function readDocuments(path: string): JsonValue[] {
  let text: string;
  try {
    if (statSync(path).size > LONGEST_FILE_BYTES) throw new Error(`it has more than ${LONGEST_FILE_BYTES} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw manifestUnreadable(path, KIND, fileProblem(error));
  }
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  if (!Array.isArray(documents)) return []; // An empty file.
  return documents.flatMap((document) => {
    const [mistake] = document.errors;
    if (mistake) throw manifestUnreadable(path, KIND, mistake.message.split("\n")[0] ?? "no YAML");
    const object = document.toJS({ maxAliasCount: 100 }) as JsonValue;
    if (object === null) return [];
    if (!isJsonObject(object))
      throw manifestUnreadable(path, KIND, "it holds a text or a list where an object should be");
    return [object];
  });
}

import { parseArgs } from "node:util";
import { convertOlderDevices } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { stringify } from "yaml";
import { manifestUnreadable, usageError } from "../errors.ts";
import { type Command, EXIT_OK } from "./command.ts";
import { readManifestFile } from "./manifest-file.ts";

/** What a file should be, for who is told that it is not. */
const KIND = "Kubernetes manifest";

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
    const { objects, notes } = convertOlderDevices(positionals.flatMap(readObjects));
    process.stdout.write(objects.map((object) => stringify(object)).join("---\n"));
    for (const note of notes) process.stderr.write(`${note}\n`);
    return EXIT_OK;
  },
};

/** Throws SKERRY_MANIFEST_UNREADABLE. */
function readObjects(path: string): readonly JsonObject[] {
  return readManifestFile(path, KIND).map((value) => {
    if (isJsonObject(value)) return value;
    throw manifestUnreadable(path, KIND, "it holds a text or a list where an object should be");
  });
}

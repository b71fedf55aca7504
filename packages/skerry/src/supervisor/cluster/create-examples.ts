import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KubernetesApi } from "@skerry/kube";
import { shippedFolder } from "../../resources.ts";
import { createMissing, readManifests } from "./manifests.ts";

/** Creates the example app and the example device, as far as they do not exist. Returns their names. */
export async function createExamples(api: KubernetesApi): Promise<readonly string[]> {
  const examples = dirname(shippedFolder("examples/app"));
  const folders = ["app", "thermometer"].map((name) => join(examples, name)).filter((folder) => existsSync(folder));
  return createMissing(api, folders.flatMap(readManifests));
}

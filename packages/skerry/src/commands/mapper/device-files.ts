import type { KubernetesObject } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import type { DeviceDescription } from "@skerry/mapper";
import { manifestUnreadable } from "../../errors.ts";
import { readManifestFile } from "../manifest-file.ts";

/**
 * A device as a mapper gets it from EdgeCore, from the manifests of the Device and its model; both may be in one file.
 * @throws `SKERRY_MANIFEST_UNREADABLE`
 */
export async function readDeviceFiles(deviceFile: string, modelFile: string): Promise<DeviceDescription> {
  const [{ toDmiDevice, toDmiModel }, { describeDevice }] = await Promise.all([
    import("@skerry/edgecore"),
    import("@skerry/mapper"),
  ]);
  const [device, model] = [readObject(deviceFile, "Device"), readObject(modelFile, "DeviceModel")];
  return describeDevice(toDmiDevice(device, model, new Map()), toDmiModel(model));
}

/** The file's first object of the kind. */
function readObject(path: string, kind: string): KubernetesObject {
  const found: unknown = readManifestFile(path, kind).find((value) => isJsonObject(value) && value["kind"] === kind);
  if (!isKubernetesObject(found)) throw manifestUnreadable(path, kind, "it holds no such object with a name");
  return found;
}

function isKubernetesObject(value: unknown): value is KubernetesObject {
  const { metadata } = (value ?? {}) as { readonly metadata?: { readonly name?: unknown } };
  return typeof metadata?.name === "string" && metadata.name !== "";
}

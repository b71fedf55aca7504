import type { KubernetesObject } from "@skerry/api";
import type { MetaStore } from "../metamanager/meta-store.ts";
import { modelNameOf } from "./device-definition.ts";

/** The Device that the cloud gave this node. */
export function storedDevice(meta: MetaStore, deviceId: string): KubernetesObject | undefined {
  const [namespace = "", name = ""] = deviceId.split("/");
  return meta.get({ type: "device", namespace, name });
}

/** The DeviceModel that a Device refers to, if it has come. */
export function storedModel(meta: MetaStore, device: KubernetesObject): KubernetesObject | undefined {
  const name = modelNameOf(device);
  if (name === "") return undefined;
  return meta.get({ type: "devicemodel", namespace: device.metadata.namespace ?? "default", name });
}

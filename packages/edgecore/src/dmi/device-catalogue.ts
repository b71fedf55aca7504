import type { KubernetesObject } from "@skerry/api";
import { Device, DeviceModel } from "@skerry/dmi";
import type { DeviceTwin } from "../devicetwin/index.ts";
import type { MetaStore } from "../metamanager/meta-store.ts";
import { protocolOf, toDmiDevice, toDmiModel } from "./device-conversion.ts";
import { JsonReader } from "./json-reader.ts";

/** Something a mapper is to have. */
export type Deliverable =
  | { readonly kind: "device"; readonly object: string; readonly device: Device; readonly bytes: Uint8Array }
  | { readonly kind: "model"; readonly object: string; readonly model: DeviceModel; readonly bytes: Uint8Array };

/** `device/<namespace>/<name>` and `model/<namespace>/<name>` name what mappers are given. */
export function deviceObject(deviceId: string): string {
  return `device/${deviceId}`;
}

/** What the mappers of this node are to have, by protocol. A Device whose model is not here yet is not given away. */
export class DeviceCatalogue {
  readonly #meta: MetaStore;
  readonly #twin: Pick<DeviceTwin, "wantedValues">;

  constructor(meta: MetaStore, twin: Pick<DeviceTwin, "wantedValues">) {
    this.#meta = meta;
    this.#twin = twin;
  }

  /** Names of all that a protocol's mapper is to have, models before devices. */
  objects(protocol: string): string[] {
    const objects = new Set<string>();
    const devices: string[] = [];
    for (const device of this.#meta.list<KubernetesObject>("device")) {
      const model = this.#modelOf(device);
      if (model === undefined || protocolOf(device, model) !== protocol) continue;
      objects.add(`model/${idOf(model)}`);
      devices.push(deviceObject(idOf(device)));
    }
    return [...[...objects].sort(), ...devices.sort()];
  }

  /** One of them; undefined when a protocol's mapper is not to have it (any more). */
  find(protocol: string, object: string): Deliverable | undefined {
    const [kind = "", namespace = "", name = ""] = object.split("/");
    if (kind === "device") {
      const device = this.#meta.get<KubernetesObject>({ type: "device", namespace, name });
      const model = device && this.#modelOf(device);
      if (!device || !model || protocolOf(device, model) !== protocol) return undefined;
      const message = toDmiDevice(device, model, this.#twin.wantedValues(`${namespace}/${name}`));
      return { kind, object, device: message, bytes: Device.encode(message).finish() };
    }
    const model = this.#meta.get<KubernetesObject>({ type: "devicemodel", namespace, name });
    if (!model || !this.objects(protocol).includes(object)) return undefined;
    const message = toDmiModel(model);
    return { kind: "model", object, model: message, bytes: DeviceModel.encode(message).finish() };
  }

  /** A Device together with what it is to be given at most once. */
  withOnce(object: string, once: ReadonlyMap<string, string>): Device | undefined {
    const [, namespace = "", name = ""] = object.split("/");
    const device = this.#meta.get<KubernetesObject>({ type: "device", namespace, name });
    const model = device && this.#modelOf(device);
    return device && model && toDmiDevice(device, model, this.#twin.wantedValues(`${namespace}/${name}`), once);
  }

  /** The protocol that selects a Device's mapper; undefined when there is no such Device. */
  protocolOf(deviceId: string): string | undefined {
    const [namespace = "", name = ""] = deviceId.split("/");
    const device = this.#meta.get<KubernetesObject>({ type: "device", namespace, name });
    return device && protocolOf(device, this.#modelOf(device));
  }

  /** The model that a Device refers to, as an object name; undefined without one. */
  modelObject(deviceId: string): string | undefined {
    const [namespace = "", name = ""] = deviceId.split("/");
    const device = this.#meta.get<KubernetesObject>({ type: "device", namespace, name });
    const model = device && this.#modelOf(device);
    return model && `model/${idOf(model)}`;
  }

  #modelOf(device: KubernetesObject): KubernetesObject | undefined {
    const spec = new JsonReader((device as KubernetesObject & { spec?: never }).spec);
    const name = spec.section("deviceModelRef").text("name");
    if (name === "") return undefined;
    return this.#meta.get({ type: "devicemodel", namespace: device.metadata.namespace ?? "default", name });
  }
}

function idOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

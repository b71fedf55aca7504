import type { Device, DeviceModel, KubernetesObject } from "@skerry/api";
import type { Informer, InformerEvent } from "@skerry/kube";
import {
  type DesiredObject,
  type DesiredObjects,
  deviceKind,
  deviceModelKind,
  type ManagedKind,
} from "../synccontroller/index.ts";

/** The caches of devices. Both must be indexed: see {@link deviceIndexers}. */
export interface DeviceInformers {
  readonly devices: Informer<Device>;
  readonly deviceModels: Informer<DeviceModel>;
}

/** Indexes that the devices' informer must have: devices by node and by model. */
export const deviceIndexers: Readonly<Record<"node" | "model", (device: Device) => string[]>> = {
  node: (device) => (device.spec?.nodeName ? [device.spec.nodeName] : []),
  model: (device) => {
    const model = modelKeyOf(device);
    return model === undefined ? [] : [model];
  },
};

/** A device or model that concerns a node has changed. */
export interface DeviceChange {
  readonly nodeName: string;
  readonly kind: ManagedKind;
  readonly namespace: string;
  readonly name: string;
  readonly lastKnown?: KubernetesObject;
}

/** What nodes hold of devices: those bound to them, and the models of these. */
export class DeviceObjects implements DesiredObjects {
  readonly #informers: DeviceInformers;

  constructor(informers: DeviceInformers) {
    this.#informers = informers;
  }

  /** Follows the caches and tells what has changed for which node. */
  follow(onChange: (change: DeviceChange) => void): Disposable {
    const { devices, deviceModels } = this.#informers;
    const stack = new DisposableStack();
    stack.use(devices.listen((event) => this.#deviceChanged(event, onChange)));
    stack.use(deviceModels.listen((event) => this.#modelChanged(event, onChange)));
    return stack;
  }

  /** The device, whatever node it is bound to. */
  device(namespace: string, name: string): Device | undefined {
    return this.#informers.devices.cache.get(`${namespace}/${name}`);
  }

  /** The device, if it is bound to the node. */
  deviceOf(nodeName: string, namespace: string, name: string): Device | undefined {
    const device = this.device(namespace, name);
    return device?.spec?.nodeName === nodeName ? device : undefined;
  }

  /** Tells which devices are new or have changed, and what they were before. */
  followDevices(onChange: (device: Device, before: Device | undefined) => void): Disposable {
    return this.#informers.devices.listen((event) => {
      if (event.type !== "deleted") onChange(event.object, event.type === "updated" ? event.before : undefined);
    });
  }

  /** The device's model, if it has one and it exists. */
  modelOf(device: Device): DeviceModel | undefined {
    const key = modelKeyOf(device);
    return key === undefined ? undefined : this.#informers.deviceModels.cache.get(key);
  }

  *objectsOf(nodeName: string): Iterable<DesiredObject> {
    const devices = this.#informers.devices.cache.byIndex("node", nodeName);
    const models = new Set(devices.flatMap((device) => this.modelOf(device) ?? []));
    for (const object of models) yield { kind: deviceModelKind, object };
    for (const object of devices) yield { kind: deviceKind, object };
  }

  objectFor(nodeName: string, kind: ManagedKind, namespace: string, name: string): KubernetesObject | undefined {
    const key = `${namespace}/${name}`;
    const { devices, deviceModels } = this.#informers;
    const object =
      kind === deviceKind ? devices.cache.get(key) : kind === deviceModelKind ? deviceModels.cache.get(key) : undefined;
    return object && this.belongsTo(nodeName, kind, object) ? object : undefined;
  }

  belongsTo(nodeName: string, kind: ManagedKind, object: KubernetesObject): boolean {
    if (kind === deviceKind) return (object as Device).spec?.nodeName === nodeName;
    if (kind !== deviceModelKind) return false;
    const { namespace = "", name } = object.metadata;
    return this.#nodesUsingModel(`${namespace}/${name}`).has(nodeName);
  }

  #nodesUsingModel(key: string): Set<string> {
    const users = this.#informers.devices.cache.byIndex("model", key);
    return new Set(users.flatMap((device) => device.spec?.nodeName || []));
  }

  #deviceChanged(event: InformerEvent<Device>, onChange: (change: DeviceChange) => void): void {
    const { object } = event;
    const nodeName = object.spec?.nodeName ?? "";
    if (event.type === "updated") {
      const { before } = event;
      const formerNode = before.spec?.nodeName ?? "";
      if (formerNode !== "" && formerNode !== nodeName) this.#tell(formerNode, before, onChange, before);
      else if (formerNode !== "" && modelKeyOf(before) !== modelKeyOf(object))
        this.#tellModel(formerNode, before, onChange);
    }
    if (nodeName !== "") this.#tell(nodeName, object, onChange, event.type === "deleted" ? object : undefined);
  }

  #tell(
    nodeName: string,
    device: Device,
    onChange: (change: DeviceChange) => void,
    lastKnown: Device | undefined,
  ): void {
    const { namespace = "", name } = device.metadata;
    this.#tellModel(nodeName, device, onChange);
    onChange({ nodeName, kind: deviceKind, namespace, name, ...(lastKnown ? { lastKnown } : {}) });
  }

  /** The node may need the device's model from now on, or no longer. */
  #tellModel(nodeName: string, device: Device, onChange: (change: DeviceChange) => void): void {
    const { namespace = "" } = device.metadata;
    const name = device.spec?.deviceModelRef?.name;
    if (!name) return;
    const model = this.modelOf(device);
    onChange({ nodeName, kind: deviceModelKind, namespace, name, ...(model ? { lastKnown: model } : {}) });
  }

  #modelChanged(event: InformerEvent<DeviceModel>, onChange: (change: DeviceChange) => void): void {
    const { namespace = "", name } = event.object.metadata;
    const lastKnown = event.type === "deleted" ? { lastKnown: event.object } : {};
    for (const nodeName of [...this.#nodesUsingModel(`${namespace}/${name}`)].sort())
      onChange({ nodeName, kind: deviceModelKind, namespace, name, ...lastKnown });
  }
}

function modelKeyOf(device: Device): string | undefined {
  const name = device.spec?.deviceModelRef?.name;
  return name ? `${device.metadata.namespace ?? ""}/${name}` : undefined;
}

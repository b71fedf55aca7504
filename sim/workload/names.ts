// What the workload's objects are called: few names, so that the same name comes again under another UID.

export const NAMESPACE = "default";
export const SIMULATED_IMAGE = "registry.example/app:latest";

const PRIVATE = "private-of-";
/** One kind of device; each node has one of each. */
export class DeviceKind {
  /** The DeviceModel's name. */
  readonly model: string;
  /** The property whose value the device reports. */
  readonly reported: string;
  /** The property whose value a user wants. */
  readonly desired: string;
  readonly protocol: string;

  constructor(model: string, reported: string, desired: string, protocol: string) {
    this.model = model;
    this.reported = reported;
    this.desired = desired;
    this.protocol = protocol;
  }

  deviceOf(node: string): string {
    return `${this.model}-${node}`;
  }

  /** The node of a device of this kind. */
  nodeOf(device: string): string | undefined {
    return device.startsWith(`${this.model}-`) ? device.slice(this.model.length + 1) : undefined;
  }
}

/** Its client speaks MQTT. */
export const METERED: DeviceKind = new DeviceKind("thermometer", "temperature", "target", "");
/** Its driver speaks DMI. */
export const DRIVEN: DeviceKind = new DeviceKind("pump", "pressure", "speed", "simulated");
export const DEVICE_KINDS: readonly DeviceKind[] = [METERED, DRIVEN];
/** What every desired property begins with. */
export const FIRST_DESIRED = "first";

/** A pod that is on one node and then, under the same name, on another. */
const WANDERER = "wanderer";

export function nodeNameOf(index: number): string {
  return `edge-${index + 1}`;
}

export function cloudNameOf(index: number): string {
  return `cloud-${index + 1}`;
}

/** One name is the beginning of another. */
export function podNames(node: string): readonly string[] {
  return [`web-${node}`, `web-${node}-2`, `camera-${node}`, WANDERER];
}

/** Used by pods of several nodes, and one that only this node's pods use. */
export function configMapNames(node: string): readonly string[] {
  return ["settings", "limits", `${PRIVATE}${node}`];
}

export function secretNames(node: string): readonly string[] {
  return ["password", `${PRIVATE}${node}`];
}

/** The kind of a device of this name, and its node. */
export function deviceNamed(name: string): { readonly kind: DeviceKind; readonly node: string } | undefined {
  for (const kind of DEVICE_KINDS) {
    const node = kind.nodeOf(name);
    if (node !== undefined) return { kind, node };
  }
  return undefined;
}

/** The node whose pods alone use a ConfigMap or Secret of this name. */
export function privateOwnerOf(name: string): string | undefined {
  return name.startsWith(PRIVATE) ? name.slice(PRIVATE.length) : undefined;
}

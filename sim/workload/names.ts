// What the workload's objects are called: few names, so that the same name comes again under another UID.

export const NAMESPACE = "default";
export const SIMULATED_IMAGE = "registry.example/app:latest";

const DEVICE = "thermometer-";
const PRIVATE = "private-of-";
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

export function deviceName(node: string): string {
  return `${DEVICE}${node}`;
}

/** The node of a device of this name. */
export function nodeOfDevice(name: string): string | undefined {
  return name.startsWith(DEVICE) ? name.slice(DEVICE.length) : undefined;
}

/** The node whose pods alone use a ConfigMap or Secret of this name. */
export function privateOwnerOf(name: string): string | undefined {
  return name.startsWith(PRIVATE) ? name.slice(PRIVATE.length) : undefined;
}

import { type Device, type DeviceModel, type DeviceTwinStatus, wrongTwinRules } from "@skerry/api";

/** Something about a device that its user should hear of, once. */
export interface Notice {
  readonly reason: string;
  readonly message: string;
}

/**
 * Whose wish has lost, and what nobody knows the outcome of. A wish of the cloud's that the node does not follow is in
 * the device's status for as long; that the cloud has replaced one of the edge's shows only in what was before.
 */
export function* twinNotices(device: Device, before: Device | undefined): Iterable<Notice> {
  for (const twin of device.status?.twins ?? []) {
    const { propertyName: name = "", observedDesired } = twin;
    const metadata = observedDesired?.metadata ?? {};
    const wanted = device.spec?.properties?.find((property) => property.name === name)?.desired?.value ?? "";
    const [followed, wish] = [quoted(observedDesired?.value), quoted(wanted)];
    if (metadata["owner"] === "edge" && wanted !== "" && wanted !== observedDesired?.value)
      yield {
        reason: "DesiredValueNotFollowed",
        message: `Property ${name}: the node follows ${followed}, which a client on it has set, and not ${wish} of the Device`,
      };
    const former = before && ownedByEdge(before, name);
    if (former !== undefined && metadata["owner"] === "cloud" && former.value !== observedDesired?.value)
      yield {
        reason: "EdgeValueReplaced",
        message: `Property ${name}: ${followed} of the Device has replaced ${quoted(former.value)}, which a client on the node had set`,
      };
    if (metadata["effect"] === "unknown")
      yield {
        reason: "EffectUnknown",
        message: `Property ${name}: whether ${followed} took effect is not known, since its driver or the node broke off; it is not repeated`,
      };
  }
}

/** Rules in the annotations that are none. */
export function* ruleNotices(device: Device, model: DeviceModel | undefined): Iterable<Notice> {
  const wrong = [...wrongTwinRules(device), ...(model ? wrongTwinRules(model) : [])];
  if (wrong.length > 0) yield { reason: "TwinRuleUnknown", message: wrong.slice(0, 5).join("; ") };
}

function ownedByEdge(device: Device, name: string): DeviceTwinStatus["observedDesired"] {
  const twin = device.status?.twins?.find(({ propertyName }) => propertyName === name);
  return twin?.observedDesired?.metadata?.["owner"] === "edge" ? twin.observedDesired : undefined;
}

function quoted(value: string | undefined): string {
  return JSON.stringify((value ?? "").slice(0, 100));
}

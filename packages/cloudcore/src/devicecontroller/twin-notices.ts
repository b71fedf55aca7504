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
    const former = before && replacedSince(before, twin);
    if (former !== undefined && metadata["owner"] === "cloud" && former !== observedDesired?.value)
      yield {
        reason: "EdgeValueReplaced",
        message: `Property ${name}: ${followed} of the Device has replaced ${quoted(former)}, which a client on the node had set`,
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

/** The edge's wish that is no longer followed: as the cloud knew it, or as the node tells it of the time of a cut link. */
function replacedSince(device: Device, { propertyName, observedDesired }: DeviceTwinStatus): string | undefined {
  const known = device.status?.twins?.find((twin) => twin.propertyName === propertyName)?.observedDesired;
  if (known?.metadata?.["owner"] === "edge") return known.value;
  const replaced = observedDesired?.metadata?.["replaced"];
  return observedDesired?.metadata?.["version"] === known?.metadata?.["version"] ? undefined : replaced;
}

function quoted(value: string | undefined): string {
  return JSON.stringify((value ?? "").slice(0, 100));
}

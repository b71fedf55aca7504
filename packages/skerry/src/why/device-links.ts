import type { DeviceProperty, ModelProperty } from "@skerry/api";
import { firstFew, humanDuration } from "@skerry/base";
import type { Link, Rule } from "./chain.ts";
import type { DeviceFacts } from "./facts.ts";
import { onNode } from "./node-links.ts";

/** Without a value for so long a driver counts as silent, or for ten of the slowest report cycles. */
const SILENT_MS = 5 * 60_000;
/** A desired value may be on its way for so long. */
const SETTLING_MS = 30_000;

const properties = ({ device }: DeviceFacts): readonly DeviceProperty[] => device?.spec?.properties ?? [];
const modelProperty = ({ model }: DeviceFacts, name: string | undefined): ModelProperty | undefined =>
  model?.spec?.properties?.find((property) => property.name === name);

const exists: Rule<DeviceFacts> = ({ device, namespace, name }) =>
  device
    ? undefined
    : {
        code: "WHY_DEVICE_UNKNOWN",
        found: `there is no device ${name} in the namespace ${namespace}`,
        advice: "`kubectl get devices -A` lists them.",
      };

const modelExists: Rule<DeviceFacts> = ({ device, model, namespace }) => {
  const name = device?.spec?.deviceModelRef?.name;
  if (!name)
    return {
      code: "WHY_DEVICE_NO_MODEL",
      found: "the device names no model",
      advice: "Set spec.deviceModelRef.name.",
    };
  return model
    ? undefined
    : {
        code: "WHY_DEVICE_MODEL_MISSING",
        found: `the DeviceModel ${namespace}/${name} does not exist`,
        advice: "Create it, or correct spec.deviceModelRef.name.",
      };
};

const modelFits: Rule<DeviceFacts> = (facts) => {
  const unknown = properties(facts).flatMap(({ name = "" }) => (modelProperty(facts, name) ? [] : [name]));
  if (unknown.length === 0) return undefined;
  return {
    code: "WHY_DEVICE_PROPERTY_UNKNOWN",
    found: `the model has no property ${firstFew(unknown)}`,
    advice: `Correct the name; \`kubectl get devicemodel ${facts.model?.metadata.name} -o yaml\` lists those there are.`,
  };
};

const writable: Rule<DeviceFacts> = (facts) => {
  for (const { name, desired } of properties(facts)) {
    const property = modelProperty(facts, name);
    if (desired?.value === undefined || desired.value === "" || !property) continue;
    if (property.accessMode === "ReadOnly")
      return {
        code: "WHY_DEVICE_READ_ONLY",
        found: `property ${name} is read-only by its model, so ${JSON.stringify(desired.value)} is not set`,
        advice: "Remove the desired value, or make the property ReadWrite in the DeviceModel.",
      };
    if (isOutside(desired.value, property))
      return {
        code: "WHY_DEVICE_OUT_OF_RANGE",
        found: `${name} should be ${desired.value}, but the model allows ${property.minimum ?? "…"} to ${property.maximum ?? "…"}`,
        advice: "Correct the desired value, or the model's minimum and maximum.",
      };
  }
  return undefined;
};

const hasNode: Rule<DeviceFacts> = ({ device, name, node }) => {
  const nodeName = device?.spec?.nodeName;
  if (!nodeName)
    return {
      code: "WHY_DEVICE_NO_NODE",
      found: "the device is on no node",
      advice: `Set spec.nodeName: \`kubectl patch device ${name} --type=merge -p '{"spec":{"nodeName":"NODE"}}'\`.`,
    };
  return node?.node
    ? undefined
    : {
        code: "WHY_DEVICE_NODE_UNKNOWN",
        found: `the device's node ${nodeName} does not exist`,
        advice: "Correct spec.nodeName; `kubectl get nodes` lists those there are.",
      };
};

const reports: Rule<DeviceFacts> = ({ device, nowMs }) => {
  const { state, twins = [] } = device?.status ?? {};
  const protocol = device?.spec?.protocol?.protocolName ?? "its protocol";
  const hasReported = twins.some(({ reported }) => reported !== undefined);
  if (state !== undefined || hasReported) return undefined;
  const ageMs = nowMs - Date.parse(device?.metadata.creationTimestamp ?? "");
  return {
    code: "WHY_DEVICE_NO_DRIVER",
    found: "nothing has ever reported for the device",
    advice: `Start the driver for ${protocol} on the node (\`skerry mapper run FILE\`), or what speaks for the device on MQTT.`,
    waits: ageMs < SETTLING_MS,
  };
};

const present: Rule<DeviceFacts> = ({ device, nowMs }) => {
  const { state = "", lastOnlineTime = "" } = device?.status ?? {};
  if (!["offline", "disconnected", "unhealthy"].includes(state.toLowerCase())) return undefined;
  const thereMs = Math.max(Date.parse(lastOnlineTime) || 0, newestValueMs(device));
  const since = thereMs > 0 ? `, last there ${humanDuration(nowMs - thereMs)} ago` : "";
  return {
    code: "WHY_DEVICE_OFFLINE",
    found: `its driver says that the device is ${state.toLowerCase()}${since}`,
    advice:
      "Check the device's power and cable, its address in spec.protocol, or its configuration; the driver's log or its GET /api/v1/devices says which.",
  };
};

const driverRuns: Rule<DeviceFacts> = ({ device }) => {
  if (device?.status?.state?.toLowerCase() !== "unknown") return undefined;
  return {
    code: "WHY_DEVICE_DRIVER_GONE",
    found: "the device's state is unknown: its driver has ended, or cannot say",
    advice: "Look at the driver's log on the node and start it again (`skerry mapper run FILE`).",
  };
};

const talks: Rule<DeviceFacts> = (facts) => {
  const { device, nowMs } = facts;
  const newestMs = newestValueMs(device);
  const cycleMs = Math.max(
    0,
    ...properties(facts).map(({ reportCycle, collectCycle }) => reportCycle ?? collectCycle ?? 0),
  );
  if (newestMs === 0 || nowMs - newestMs < Math.max(SILENT_MS, 10 * cycleMs)) return undefined;
  return {
    code: "WHY_DEVICE_DRIVER_SILENT",
    found: `no value has come for ${humanDuration(nowMs - newestMs)}: the driver has crashed, hangs, or was ended`,
    advice: "Look at the driver's log on the node and start it again (`skerry mapper run FILE`).",
  };
};

const obeys: Rule<DeviceFacts> = (facts) => {
  const { device, nowMs, model } = facts;
  const twins = device?.status?.twins ?? [];
  for (const { name, desired } of properties(facts)) {
    const twin = twins.find(({ propertyName }) => propertyName === name);
    if (desired?.value === undefined || desired.value === "" || isSame(twin?.reported?.value, desired.value)) continue;
    const { owner, effect } = twin?.observedDesired?.metadata ?? {};
    const seen = isSame(twin?.observedDesired?.value, desired.value);
    if (owner === "edge" && !seen)
      return {
        code: "WHY_DEVICE_OVERRULED",
        found: `${name} should be ${desired.value}, but a client on the node has set ${twin?.observedDesired?.value ?? ""}, which counts there`,
        advice: "Let that client take it back, or say whose wish counts with the annotation skerry.io/conflict.",
      };
    if (effect === "unknown")
      return {
        code: "WHY_DEVICE_EFFECT_UNKNOWN",
        found: `${name} may be set to ${desired.value} once only, and its driver or node broke off meanwhile: nobody knows whether it is`,
        advice:
          "Look at the device itself. To try once more, remove the desired value from the Device and set it again.",
      };
    const seenMs = Number(twin?.observedDesired?.metadata?.["timestamp"] ?? 0);
    const waits = !seen || nowMs - seenMs < SETTLING_MS;
    return {
      code: seen ? "WHY_DEVICE_NOT_OBEYING" : "WHY_DEVICE_DESIRED_NOT_SEEN",
      found: `${name} should be ${desired.value}, the device says ${twin?.reported?.value ?? "nothing"}; ${
        seen ? "its node knows the wish" : "the node has not confirmed the wish yet"
      }`,
      advice: seen
        ? `The device or its driver does not do it: look at the driver's log (protocol ${model?.spec?.protocol ?? device?.spec?.protocol?.protocolName ?? "?"}).`
        : "Look again in a moment.",
      waits,
    };
  }
  return undefined;
};

/** From the Device object to a device that does what it should. */
export const deviceLinks: readonly Link<DeviceFacts>[] = [
  { title: "asked for", whole: ({ namespace, name }) => `device ${namespace}/${name} exists`, rules: [exists] },
  {
    title: "model",
    whole: ({ model }) => `${model?.metadata.name} has all its properties`,
    rules: [modelExists, modelFits, writable],
  },
  { title: "has a node", whole: ({ device }) => device?.spec?.nodeName ?? "", rules: [hasNode] },
  { title: "node", whole: () => "connected", rules: [onNode<DeviceFacts>()] },
  { title: "driver", whole: () => "it reports", rules: [reports, driverRuns, present, talks] },
  { title: "does as asked", whole: () => "every desired value is reported as reached", rules: [obeys] },
];

/** When the newest of the device's values was reported, wall clock in ms; 0 when none ever was. */
function newestValueMs(device: DeviceFacts["device"]): number {
  const twins = device?.status?.twins ?? [];
  return Math.max(0, ...twins.map(({ reported }) => Number(reported?.metadata?.["timestamp"]) || 0));
}

/** Numbers may be written in several ways. */
function isSame(left: string | undefined, right: string): boolean {
  if (left === right) return true;
  return left !== undefined && left !== "" && right !== "" && Number(left) === Number(right);
}

function isOutside(value: string, { type, minimum, maximum }: ModelProperty): boolean {
  if (type !== "INT" && type !== "FLOAT" && type !== "DOUBLE") return false;
  const number = Number(value);
  return (minimum ? number < Number(minimum) : false) || (maximum ? number > Number(maximum) : false);
}

import type { JsonObject, JsonValue } from "@skerry/base";
import { ageOf } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { age, createdAt, metadata, name, orNone, selectorOf, spec, status, templateWide } from "./common-columns.ts";
import { podReadyOf, podReasonOf, podRestartsOf } from "./pod-summary.ts";
import { column, type TableColumn, wide } from "./table-column.ts";

const workloadWide: readonly TableColumn[] = [
  ...templateWide(spec),
  selectorOf((object) => objectAt(spec(object), "selector")),
];

/** Kinds without columns of their own. */
export const defaultColumns: readonly TableColumn[] = [name, age];

export const namespaceColumns: readonly TableColumn[] = [
  name,
  column("Status", (object) => textAt(status(object), "phase")),
  age,
];

export const podColumns: readonly TableColumn[] = [
  name,
  column("Ready", podReadyOf),
  column("Status", podReasonOf),
  column("Restarts", podRestartsOf),
  age,
  wide("IP", (pod) => orNone(textAt(status(pod), "podIP"))),
  wide("Node", (pod) => orNone(textAt(spec(pod), "nodeName"))),
  wide("Nominated Node", (pod) => orNone(textAt(status(pod), "nominatedNodeName"))),
  wide("Readiness Gates", (pod) => {
    const gates = objectsIn(spec(pod)["readinessGates"]);
    if (gates.length === 0) return "<none>";
    const conditions = objectsIn(status(pod)["conditions"]);
    const met = gates.filter((gate) =>
      conditions.some((item) => item["type"] === gate["conditionType"] && item["status"] === "True"),
    );
    return `${met.length}/${gates.length}`;
  }),
];

const ROLE_PREFIX = "node-role.kubernetes.io/";
const addressOf = (node: JsonObject, type: string): string =>
  orNone(
    textAt(
      objectsIn(status(node)["addresses"]).find((address) => address["type"] === type),
      "address",
    ),
  );
const nodeInfo = (node: JsonObject, member: string): string => textAt(objectAt(status(node), "nodeInfo"), member);
const orUnknown = (text: string): string => (text === "" ? "<unknown>" : text);

export const nodeColumns: readonly TableColumn[] = [
  name,
  column("Status", (node) => {
    const ready = objectsIn(status(node)["conditions"]).find((condition) => condition["type"] === "Ready");
    const state = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
    return spec(node)["unschedulable"] === true ? `${state},SchedulingDisabled` : state;
  }),
  column("Roles", (node) => {
    const labels = objectAt(metadata(node), "labels");
    const roles = Object.keys(labels)
      .filter((key) => key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length)
      .map((key) => key.slice(ROLE_PREFIX.length));
    const other = textAt(labels, "kubernetes.io/role");
    if (other !== "") roles.push(other);
    return orNone([...new Set(roles)].sort().join(","));
  }),
  age,
  column("Version", (node) => nodeInfo(node, "kubeletVersion")),
  wide("Internal-IP", (node) => addressOf(node, "InternalIP")),
  wide("External-IP", (node) => addressOf(node, "ExternalIP")),
  wide("OS-Image", (node) => orUnknown(nodeInfo(node, "osImage"))),
  wide("Kernel-Version", (node) => orUnknown(nodeInfo(node, "kernelVersion"))),
  wide("Container-Runtime", (node) => orUnknown(nodeInfo(node, "containerRuntimeVersion"))),
];

const dataCount = (object: JsonObject): number =>
  Object.keys(objectAt(object, "data")).length + Object.keys(objectAt(object, "binaryData")).length;

export const configMapColumns: readonly TableColumn[] = [name, column("Data", dataCount), age];
export const secretColumns: readonly TableColumn[] = [
  name,
  column("Type", (secret) => textAt(secret, "type")),
  column("Data", dataCount),
  age,
];

export const serviceColumns: readonly TableColumn[] = [
  name,
  column("Type", (service) => textAt(spec(service), "type")),
  column("Cluster-IP", (service) => orNone(textAt(spec(service), "clusterIP"))),
  column("External-IP", externalAddressOf),
  column("Port(s)", (service) =>
    orNone(
      objectsIn(spec(service)["ports"])
        .map((port) => {
          const nodePort = numberAt(port, "nodePort");
          return `${port["port"]}${nodePort ? `:${nodePort}` : ""}/${textAt(port, "protocol")}`;
        })
        .join(","),
    ),
  ),
  age,
  wide("Selector", (service) =>
    orNone(
      Object.entries(objectAt(spec(service), "selector"))
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    ),
  ),
];

function externalAddressOf(service: JsonObject): string {
  const { type, externalName = "", externalIPs } = spec(service);
  if (type === "ExternalName") return orNone(String(externalName));
  const own = Array.isArray(externalIPs) ? externalIPs.map(String) : [];
  if (type !== "LoadBalancer") return orNone(own.join(","));
  const ingress = objectsIn(objectAt(objectAt(service, "status"), "loadBalancer")["ingress"]);
  const given = ingress.map((each) => textAt(each, "ip") || textAt(each, "hostname")).filter((text) => text !== "");
  return [...[...new Set(given)].sort(), ...own].join(",") || "<pending>";
}

export const endpointsColumns: readonly TableColumn[] = [
  name,
  column("Endpoints", (object) => {
    const all = objectsIn(object["subsets"]).flatMap((subset) => {
      const ports = objectsIn(subset["ports"]);
      return objectsIn(subset["addresses"]).flatMap((address) =>
        ports.length === 0 ? [textAt(address, "ip")] : ports.map((port) => `${textAt(address, "ip")}:${port["port"]}`),
      );
    });
    const shown = all.slice(0, 3).join(",");
    return orNone(all.length > 3 ? `${shown} + ${all.length - 3} more...` : shown);
  }),
  age,
];

const orUnset = (values: readonly JsonValue[]): string => (values.length === 0 ? "<unset>" : values.join(","));

export const endpointSliceColumns: readonly TableColumn[] = [
  name,
  column("AddressType", (slice) => textAt(slice, "addressType")),
  column("Ports", (slice) => orUnset(objectsIn(slice["ports"]).map((port) => port["port"] ?? "*"))),
  column("Endpoints", (slice) =>
    orUnset(
      objectsIn(slice["endpoints"]).flatMap((item) => (Array.isArray(item["addresses"]) ? item["addresses"] : [])),
    ),
  ),
  age,
];

export const deploymentColumns: readonly TableColumn[] = [
  name,
  column(
    "Ready",
    (object) => `${numberAt(status(object), "readyReplicas") ?? 0}/${numberAt(spec(object), "replicas") ?? 0}`,
  ),
  column("Up-to-date", (object) => numberAt(status(object), "updatedReplicas") ?? 0),
  column("Available", (object) => numberAt(status(object), "availableReplicas") ?? 0),
  age,
  ...workloadWide,
];

export const replicaSetColumns: readonly TableColumn[] = [
  name,
  column("Desired", (object) => numberAt(spec(object), "replicas") ?? 0, "integer"),
  column("Current", (object) => numberAt(status(object), "replicas") ?? 0, "integer"),
  column("Ready", (object) => numberAt(status(object), "readyReplicas") ?? 0, "integer"),
  age,
  ...workloadWide,
];

const eventSource = (event: JsonObject): string => {
  const source = objectAt(event, "source");
  const component = textAt(source, "component") || textAt(event, "reportingComponent");
  const host = textAt(source, "host") || textAt(event, "reportingInstance");
  return [component, host].filter((part) => part !== "").join(", ");
};
const eventTime = (event: JsonObject, member: string): JsonValue =>
  event[member] || event["eventTime"] || metadata(event)["creationTimestamp"] || null;

export const eventColumns: readonly TableColumn[] = [
  column("Last Seen", (event, nowMs) =>
    ageOf(objectAt(event, "series")["lastObservedTime"] ?? eventTime(event, "lastTimestamp"), nowMs),
  ),
  column("Type", (event) => textAt(event, "type")),
  column("Reason", (event) => textAt(event, "reason")),
  column("Object", (event) => {
    const object = objectAt(event, "involvedObject");
    return `${textAt(object, "kind").toLowerCase()}/${textAt(object, "name")}`;
  }),
  wide("Subobject", (event) => textAt(objectAt(event, "involvedObject"), "fieldPath")),
  wide("Source", eventSource),
  column("Message", (event) => textAt(event, "message").trim()),
  wide("First Seen", (event, nowMs) => ageOf(eventTime(event, "firstTimestamp"), nowMs)),
  wide("Count", (event) => numberAt(objectAt(event, "series"), "count") ?? numberAt(event, "count") ?? 1),
  { ...wide("Name", (event) => textAt(metadata(event), "name")), format: "name" },
];

export const leaseColumns: readonly TableColumn[] = [
  name,
  column("Holder", (lease) => textAt(spec(lease), "holderIdentity")),
  age,
];

export const customResourceDefinitionColumns: readonly TableColumn[] = [name, createdAt];
export const roleColumns: readonly TableColumn[] = [name, createdAt];

const subjectsOf = (binding: JsonObject, kind: string): string =>
  objectsIn(binding["subjects"])
    .filter((subject) => subject["kind"] === kind)
    .map((subject) =>
      kind === "ServiceAccount"
        ? `${textAt(subject, "namespace")}/${textAt(subject, "name")}`
        : textAt(subject, "name"),
    )
    .join(", ");

export const roleBindingColumns: readonly TableColumn[] = [
  name,
  column("Role", (binding) => {
    const role = objectAt(binding, "roleRef");
    return `${textAt(role, "kind")}/${textAt(role, "name")}`;
  }),
  age,
  wide("Users", (binding) => subjectsOf(binding, "User")),
  wide("Groups", (binding) => subjectsOf(binding, "Group")),
  wide("ServiceAccounts", (binding) => subjectsOf(binding, "ServiceAccount")),
];

export const certificateSigningRequestColumns: readonly TableColumn[] = [
  name,
  age,
  column("SignerName", (request) => textAt(spec(request), "signerName")),
  column("Requestor", (request) => textAt(spec(request), "username")),
  column("Condition", (request) => {
    const conditions = objectsIn(status(request)["conditions"]).map((condition) => textAt(condition, "type"));
    if (textAt(status(request), "certificate") !== "") conditions.push("Issued");
    return conditions.length === 0 ? "Pending" : conditions.join(",");
  }),
];

export const priorityClassColumns: readonly TableColumn[] = [
  name,
  column("Value", (object) => numberAt(object, "value") ?? 0, "integer"),
  column("Global-Default", (object) => object["globalDefault"] === true, "boolean"),
  age,
];

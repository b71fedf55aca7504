import { isJsonObject } from "@skerry/base";
import type { Message } from "./message.ts";
import { matchesPattern } from "./resource-path.ts";

/** Towards the edge, or towards the cloud. */
export type Direction = "down" | "up";

/**
 * - `set`: a desired object; only its newest version matters, and it must arrive
 * - `outbox`: a state or event of the edge that must arrive
 * - `call`: a request whose sender waits for the answer
 * - `answer`: what a call is answered with
 * - `acknowledgement`: the other side has committed
 * - `liveness`: proof of life
 * - `notice`: for now only; of no use later
 * - `telemetry`: samples of devices, durable at the edge until the cloud has them; nothing else ever waits for them
 */
export type TrafficClass =
  | "set"
  | "outbox"
  | "call"
  | "answer"
  | "acknowledgement"
  | "liveness"
  | "notice"
  | "telemetry";

/**
 * - `required`: sent again until the receiver has acknowledged it
 * - `observed`: the receiver acknowledges it while it still waits for it; its acknowledgement is taken note of, but
 *   without one nothing is sent again (KubeEdge does, for ever: wire.md W6)
 * - `none`
 */
export type Acknowledgement = "required" | "observed" | "none";

/** One kind of message: who sends it, about what, and how it is treated. */
export interface Route {
  /** Number in the catalogue of KubeEdge's messages (wire.md 10 and 11); `S…` for Skerry's own. */
  readonly id: string;
  readonly direction: Direction;
  readonly source: string;
  readonly group: string;
  /** One operation, several joined by `|`, or `*`. */
  readonly operation: string;
  /** Pattern of the wire form, see `matchesPattern`; or `*`. */
  readonly resource: string;
  /** What the content is, in a few words. */
  readonly content: string;
  readonly traffic: TrafficClass;
  readonly acknowledgement: Acknowledgement;
}

type Row = readonly [
  id: string,
  source: string,
  group: string,
  operation: string,
  resource: string,
  content: string,
  traffic: TrafficClass,
  acknowledgement: Acknowledgement,
];

/** Cloud to edge. The first row that fits counts. */
// biome-ignore format: one line a message reads as the table it is
const DOWN: readonly Row[] = [
  // Skerry's own delivery only.
  ["S1", "skerry", "set", "digest|inventory|incarnation", "set", "question about the objects that the node holds", "set", "none"],
  ["S2", "skerry", "streams", "open", "tunnel", "nothing; the node is to open its stream tunnel", "notice", "none"],

  ["S2", "router_eventbus", "user", "sources", "sources", "all topics that rules take from this node", "notice", "none"],
  ["S2", "router_servicebus", "user", "sources", "sources", "all URLs that rules take from this node", "notice", "none"],
  ["S10", "telemetry", "telemetry", "response", "samples", "how far the samples are stored", "telemetry", "none"],

  // Answers (wire.md 11, last columns). Without a row here an answer is not acknowledged.
  ["D14", "devicecontroller", "twin", "response", "twin", '"OK"', "answer", "none"],
  ["D17", "dynamiccontroller", "resource", "applicationResponse", "watchapp/sync", "rejected Applications by id", "answer", "none"],
  ["D16", "dynamiccontroller", "resource", "applicationResponse", "<any…>", "Application", "answer", "none"],
  ["D24", "servicebus", "user", "response", "<any…>", "response body, text", "answer", "none"],
  ["D30", "cloudhub", "resource", "response", "k8s/ca.crt", "PEM, text", "answer", "none"],
  ["U13", "edgecontroller", "resource", "response", "<ns>/configmap/<name>", "ConfigMap", "answer", "observed"],
  ["U13", "edgecontroller", "resource", "response", "<ns>/secret/<name>", "Secret", "answer", "observed"],
  ["U14", "edgecontroller", "resource", "response", "<ns>/persistentvolume/<name>", "PV", "answer", "observed"],
  ["U15", "edgecontroller", "resource", "response", "<ns>/persistentvolumeclaim/<name>", "PVC", "answer", "observed"],
  ["U16", "edgecontroller", "resource", "response", "<ns>/volumeattachment/<name>", "VA", "answer", "observed"],
  ["D31", "*", "*", "response|error", "*", "ObjectResp, object, token, OK or error", "answer", "none"],

  // Desired objects. KubeEdge's own control of the session, D7, is never written.
  ["D1", "edgecontroller", "resource", "insert|update|delete", "<ns>/pod/<name>", "Pod", "set", "required"],
  ["D4", "edgecontroller", "resource", "insert|update|delete", "<ns>/configmap/<name>", "ConfigMap", "set", "required"],
  ["D5", "edgecontroller", "resource", "insert|update|delete", "<ns>/secret/<name>", "Secret", "set", "required"],
  ["D6", "edgecontroller", "resource", "update", "<ns>/node/<name>", "Node", "set", "required"],
  ["D7", "edgecontroller", "resource", "delete", "<ns>/node/<name>", "nothing; ends the session", "notice", "none"],
  ["D12", "devicecontroller", "resource", "insert|update|delete", "<ns>/devicemodel/<name>", "DeviceModel", "set", "required"],
  ["D13", "devicecontroller", "resource", "insert|update|delete", "<ns>/device/<name>", "Device", "set", "required"],
  ["D25", "policycontroller", "resource", "insert|update|delete", "<ns>/serviceaccountaccess/<name>", "ServiceAccountAccess", "set", "required"],
  ["D15", "dynamiccontroller", "resource", "insert|update|delete", "<ns>/<type>/<name>", "any object", "set", "required"],
  ["D18", "edgecontroller", "resource", "insert|update|delete", "<ns>/<type>/<name>", "any object", "set", "required"],

  // For connected nodes only.
  ["D10", "devicecontroller", "twin", "update", "membership", "added or removed devices", "notice", "none"],
  ["D10", "devicecontroller", "twin", "get_result", "membership/detail", "all devices of the node", "notice", "none"],
  ["D20", "router_eventbus", "user", "subscribe|unsubscribe|publish", "*", "payload, text", "notice", "none"],
  ["D22", "router_servicebus", "user", "*", "*", "HTTPRequest", "call", "none"],
  ["D26", "taskmanager", "*", "*", "*", "job spec", "call", "none"],
  ["D28", "nodeupgradejobcontroller", "*", "*", "*", "NodeUpgradeJobRequest", "call", "none"],
  ["D29", "cloudhub", "resource", "createvolume|deletevolume|controllerpublishvolume|controllerunpublishvolume", "<ns>/volume/<id>", "CSI request, text", "call", "none"],
];

/** Edge to cloud. The first row that fits counts. */
// biome-ignore format: one line a message reads as the table it is
const UP: readonly Row[] = [
  ["S1", "skerry", "set", "digest|inventory", "set", "the objects that the node holds", "set", "none"],
  ["S10", "telemetry", "telemetry", "append", "samples", "samples of devices", "telemetry", "none"],
  ["S11", "telemetry", "telemetry", "query", "samples", "name of a stream of samples", "telemetry", "none"],
  ["U1", "*", "*", "keepalive", "*", '"ping"', "liveness", "none"],
  ["U34", "*", "*", "response", "<ns>/volume/<id>", "CSI response", "answer", "none"],
  ["U2", "*", "*", "response", "*", '"OK"', "acknowledgement", "none"],
  ["U3", "*", "*", "error", "*", "error text", "acknowledgement", "none"],
  ["U22", "bus", "user", "upload", "*", "MQTT payload, text", "notice", "none"],
  ["U24", "servicebus", "user", "upload", "", "HTTPResponse", "answer", "none"],
  ["U23", "servicebus", "user", "upload", "*", "request of a local application, base64", "call", "none"],
  ["U25", "servicebus", "user", "", "", "HTTPResponse that says what failed", "answer", "none"],
  ["U32", "*", "*", "UpdateNodeActionStatus|upgrade|prepull", "*", "task report", "outbox", "none"],
  ["U31", "metamanager", "meta", "query", "k8s/ca.crt", "nothing", "call", "none"],
  ["U4", "edged", "meta", "insert|update", "<ns>/node/<name>", "Node", "outbox", "none"],
  ["U6", "edged", "meta", "patch", "<ns>/nodepatch/<name>", "strategic merge patch, text", "outbox", "none"],
  ["U7", "edged", "meta", "insert|update", "<ns>/nodestatus/<name>", "Node or NodeStatusRequest", "outbox", "none"],
  ["U8", "edged", "meta", "query", "<ns>/node/<name>", "nothing", "call", "none"],
  ["U9", "edged", "meta", "patch", "<ns>/podpatch/<name>", "strategic merge patch, text", "outbox", "none"],
  ["U10", "edged", "meta", "update", "<ns>/podstatus", "list of PodStatusRequest", "outbox", "none"],
  ["U10", "edged", "meta", "update", "<ns>/podstatus/<name>", "PodStatusRequest", "outbox", "none"],
  ["U11", "edged", "meta", "insert", "<ns>/pod/<name>", "Pod", "outbox", "none"],
  ["U12", "edged", "meta", "delete", "<ns>/pod/<name>", "DeleteOptions or UID", "outbox", "none"],
  ["U18", "edged", "meta", "query", "<ns>/serviceaccounttoken/<name>", "TokenRequest", "call", "none"],
  ["U19", "edged", "meta", "insert|update|query", "<ns>/lease/<name>", "Lease", "call", "none"],
  ["U20", "edged", "meta", "insert|query", "<ns>/certificatesigningrequest/<name>", "CSR", "call", "none"],
  ["U21", "edged", "meta", "insert|update|patch", "<ns>/event/<name>", "Event", "outbox", "none"],
  ["U13", "edged", "meta", "query", "<ns>/<type>/<name>", "nothing", "call", "none"],
  ["U26", "twin", "resource", "update", "device/<ns>/<name>/state/update", "device state, JSON text", "outbox", "none"],
  ["U27", "twin", "resource", "update", "device/<ns>/<name>/twin/edge_updated", "twin report", "outbox", "none"],
  ["U28", "twin", "resource", "get", "membership/detail", "membership query, JSON text", "call", "none"],
  ["U30", "metaserver", "*", "*", "watchapp/sync", "all watches of the node, Applications by id", "call", "none"],
  ["U29", "metaserver", "*", "*", "*", "Application", "call", "none"],
];

/** Everything that crosses the link, both directions, in the order in which it is matched. */
export const ROUTES: readonly Route[] = [
  ...DOWN.map((row) => toRoute("down", row)),
  ...UP.map((row) => toRoute("up", row)),
];

/** The route of a message in its wire form; undefined when the table does not know it. */
export function routeOf(direction: Direction, message: Message): Route | undefined {
  const { source = "", group = "", operation = "", resource = "" } = message.route;
  return ROUTES.find(
    (route) =>
      route.direction === direction &&
      (route.source === "*" || route.source === source) &&
      (route.group === "*" || route.group === group) &&
      (route.operation === "*" || route.operation.split("|").includes(operation)) &&
      (route.resource === "*" || matchesPattern(route.resource, resource)),
  );
}

/**
 * How a message to the edge is acknowledged. A failed query's answer is not an object: nobody acknowledges it
 * (wire.md 7.1, row 10).
 */
export function acknowledgementFor(message: Message): Acknowledgement {
  const route = routeOf("down", message);
  if (route === undefined) return "none";
  const { content } = message;
  if (route.acknowledgement === "observed" && !(isJsonObject(content) && isJsonObject(content["metadata"])))
    return "none";
  return route.acknowledgement;
}

/** Whether a message to the edge is sent again until the edge has acknowledged it. */
export function needsAcknowledgement(message: Message): boolean {
  return acknowledgementFor(message) === "required";
}

function toRoute(direction: Direction, row: Row): Route {
  const [id, source, group, operation, resource, content, traffic, acknowledgement] = row;
  return { id, direction, source, group, operation, resource, content, traffic, acknowledgement };
}

import { services } from "@skerry/api";
import { type JsonObject, randomInteger } from "@skerry/base";
import { asJsonObject, numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue } from "../field-error.ts";
import type { WriteScope } from "../resource-definition.ts";
import { internalError, invalid } from "../status-errors.ts";
import type { StoreSession } from "../store-session.ts";

/** Ports of nodes that Services may have, as Kubernetes has them by default. */
const FIRST = 30_000;
const LAST = 32_767;

/**
 * Gives each port of a Service of type NodePort or LoadBalancer a port of the nodes, the one that it had or a free one, and
 * takes back what another type does not have.
 * @param previous left out for a new Service
 * @throws ApiError Invalid when another Service has the port that is asked for; InternalError when none is free
 */
export function assignNodePorts(service: JsonObject, scope: WriteScope, previous?: JsonObject): void {
  const spec = objectAt(service, "spec");
  const ports = objectsIn(spec["ports"]);
  const before = objectsIn(objectAt(previous, "spec")["ports"]);
  if (!hasNodePorts(spec)) {
    for (const port of ports) if (port["nodePort"] === nodePortOf(before, port)) delete port["nodePort"];
    return;
  }
  const used = new Set<string>();
  const others = ports.every((port) => isKept(before, port)) ? [] : portsOfOthers(scope.session, service);
  for (const other of others) used.add(keyOf(other, numberAt(other, "nodePort") ?? 0));
  const errors: FieldError[] = [];
  for (const [index, port] of ports.entries()) {
    const asked = numberAt(port, "nodePort") ?? 0;
    const nodePort = asked || (nodePortOf(before, port) ?? freePort(port, ports, used, scope));
    if (used.has(keyOf(port, nodePort)))
      errors.push(invalidValue(`spec.ports[${index}].nodePort`, nodePort, "provided port is already allocated"));
    used.add(keyOf(port, nodePort));
    port["nodePort"] = nodePort;
  }
  if (errors.length > 0) throw invalid(services, textAt(objectAt(service, "metadata"), "name"), errors);
}

/** Rules of the ports by themselves. */
export function nodePortErrors(spec: JsonObject): FieldError[] {
  const type = textAt(spec, "type");
  return objectsIn(spec["ports"]).flatMap((port, index) => {
    const [nodePort, at] = [numberAt(port, "nodePort") ?? 0, `spec.ports[${index}].nodePort`];
    if (nodePort === 0) return [];
    if (type === "ClusterIP") return [forbiddenField(at, "may not be used when `type` is 'ClusterIP'")];
    if (nodePort >= FIRST && nodePort <= LAST) return [];
    const range = `provided port is not in the valid range. The range of valid ports is ${FIRST}-${LAST}`;
    return [invalidValue(at, nodePort, range)];
  });
}

function hasNodePorts(spec: JsonObject): boolean {
  const type = spec["type"];
  return type === "NodePort" || (type === "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] !== false);
}

/** The port of the nodes that the same port of the Service had before. */
function nodePortOf(before: readonly JsonObject[], port: JsonObject): number | undefined {
  const same = before.find((old) => old["port"] === port["port"] && protocolOf(old) === protocolOf(port));
  return same && numberAt(same, "nodePort");
}

function isKept(before: readonly JsonObject[], port: JsonObject): boolean {
  const had = nodePortOf(before, port);
  return had !== undefined && [undefined, 0, had].includes(numberAt(port, "nodePort"));
}

function portsOfOthers(session: StoreSession, service: JsonObject): JsonObject[] {
  const own = objectAt(service, "metadata");
  return session
    .list("/services")
    .filter(({ metadata }) => metadata.namespace !== own["namespace"] || metadata.name !== own["name"])
    .flatMap((other) => objectsIn(objectAt(asJsonObject(other), "spec")["ports"]))
    .filter((port) => numberAt(port, "nodePort") !== undefined);
}

function freePort(
  port: JsonObject,
  own: readonly JsonObject[],
  used: ReadonlySet<string>,
  { random }: WriteScope,
): number {
  const asked = new Set(own.map((other) => keyOf(other, numberAt(other, "nodePort") ?? 0)));
  const count = LAST - FIRST + 1;
  const start = randomInteger(random, count);
  for (let step = 0; step < count; step++) {
    const candidate = FIRST + ((start + step) % count);
    const key = keyOf(port, candidate);
    if (!used.has(key) && !asked.has(key)) return candidate;
  }
  throw internalError("failed to allocate a nodePort: range is full");
}

function keyOf(port: JsonObject, nodePort: number): string {
  return `${protocolOf(port)}/${nodePort}`;
}

function protocolOf(port: JsonObject): string {
  return textAt(port, "protocol") || "TCP";
}

import type { JsonObject } from "@skerry/base";
import { type ApiObject, asJsonObject, numberAt, objectAt, objectsIn, textAt } from "../../registry/api-object.ts";
import type { StoreView } from "../../registry/store-session.ts";
import type { WebhookTarget } from "./webhook.ts";
import type { WebhookEndpoint } from "./webhook-caller.ts";

/**
 * The first ready endpoint behind a webhook's Service. Nothing listens on cluster addresses here, so the endpoint itself is
 * connected to. @throws Error in the words of a kube-apiserver when there is none
 */
export function serviceEndpoint(view: StoreView, target: WebhookTarget & { at: "service" }): WebhookEndpoint {
  const { namespace, name, port } = target;
  const service = view.get({ resource: "/services", namespace, name });
  if (!service) throw new Error(`service ${JSON.stringify(name)} not found`);
  const spec = objectAt(asJsonObject(service), "spec");
  if (spec["type"] === "ExternalName") return { host: textAt(spec, "externalName"), port };
  const wanted = objectsIn(spec["ports"]).find((each) => numberAt(each, "port") === port);
  if (!wanted) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const portName = textAt(wanted, "name");
  const endpoints = view.get({ resource: "/endpoints", namespace, name });
  for (const subset of objectsIn(endpoints && asJsonObject(endpoints)["subsets"])) {
    const host = textAt(objectsIn(subset["addresses"])[0], "ip");
    const found = portNamed(objectsIn(subset["ports"]), portName);
    if (host !== "" && found !== undefined) return { host, port: found };
  }
  for (const slice of view.list("discovery.k8s.io/endpointslices", namespace)) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== name) continue;
    const host = readyAddress(slice);
    const found = portNamed(objectsIn(asJsonObject(slice)["ports"]), portName);
    if (host !== undefined && found !== undefined) return { host, port: found };
  }
  throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
}

function portNamed(ports: readonly JsonObject[], name: string): number | undefined {
  return numberAt(
    ports.find((port) => textAt(port, "name") === name),
    "port",
  );
}

function readyAddress(slice: ApiObject): string | undefined {
  for (const endpoint of objectsIn(asJsonObject(slice)["endpoints"])) {
    const { addresses } = endpoint;
    const first = Array.isArray(addresses) ? addresses[0] : undefined;
    if (objectAt(endpoint, "conditions")["ready"] !== false && typeof first === "string") return first;
  }
  return undefined;
}

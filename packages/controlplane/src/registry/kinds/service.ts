import { type JsonObject, type Random, randomInteger } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { ensureObject, numberAt, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import type { KindStrategy, WriteScope } from "../resource-definition.ts";
import type { StoreSession } from "../store-session.ts";
import { assignNodePorts, nodePortErrors } from "./node-ports.ts";

/** Service addresses come from 10.96.0.0/16; the first ones are kept for the API server and DNS. */
const ADDRESS_PREFIX = "10.96";
const ADDRESS_TRIES = 64;

/** core/v1 Service: gets a cluster address and keeps it. */
export const serviceStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  returnsDeletedObject: true,
  nameRule: "label",
  selectableFields: ["spec.clusterIP", "spec.type"],
  applyDefaults(service) {
    const spec = ensureObject(service, "spec");
    setDefault(spec, "type", "ClusterIP");
    setDefault(spec, "sessionAffinity", "None");
    for (const port of objectsIn(spec["ports"])) {
      setDefault(port, "protocol", "TCP");
      if (port["port"] !== undefined) setDefault(port, "targetPort", port["port"]);
    }
    if (spec["type"] === "ExternalName") return;
    setDefault(spec, "internalTrafficPolicy", "Cluster");
    if (spec["type"] !== "ClusterIP") setDefault(spec, "externalTrafficPolicy", "Cluster");
  },
  prepareForCreate(service, scope) {
    service["status"] = { loadBalancer: {} };
    giveAddress(ensureObject(service, "spec"), scope);
    assignNodePorts(service, scope);
  },
  prepareForUpdate(next, previous, scope) {
    assignNodePorts(next, scope, previous);
    const [spec, before] = [ensureObject(next, "spec"), objectAt(previous, "spec")];
    if (spec["type"] === "ExternalName") {
      // The address is given back with the type that had it.
      for (const member of ADDRESS_MEMBERS) if (jsonEqual(spec[member], before[member])) delete spec[member];
      return;
    }
    if (before["type"] === "ExternalName") {
      giveAddress(spec, scope);
      return;
    }
    // Who knows only the older member changes only that.
    const isNewAddress = textAt(spec, "clusterIP") !== "" && spec["clusterIP"] !== before["clusterIP"];
    if (isNewAddress && jsonEqual(spec["clusterIPs"], before["clusterIPs"]))
      spec["clusterIPs"] = [spec["clusterIP"] ?? ""];
    if (textAt(spec, "clusterIP") === "" && before["clusterIP"] !== undefined) {
      spec["clusterIP"] = before["clusterIP"];
      spec["clusterIPs"] = before["clusterIPs"] ?? [];
      for (const member of ["ipFamilies", "ipFamilyPolicy"]) {
        const value = before[member];
        if (value !== undefined) setDefault(spec, member, value);
      }
    }
  },
  validate(service) {
    const spec = objectAt(service, "spec");
    const errors: FieldError[] = [];
    const ports = objectsIn(spec["ports"]);
    if (ports.length === 0 && spec["type"] !== "ExternalName" && spec["clusterIP"] !== "None")
      errors.push(required("spec.ports"));
    for (const [index, port] of ports.entries()) {
      const number = numberAt(port, "port");
      if (number !== undefined && (number < 1 || number > 65_535))
        errors.push(invalidValue(`spec.ports[${index}].port`, number, "must be between 1 and 65535, inclusive"));
      if (ports.length > 1 && textAt(port, "name") === "") errors.push(required(`spec.ports[${index}].name`));
    }
    return [...errors, ...nodePortErrors(spec)];
  },
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    if (textAt(before, "clusterIP") === "" || after["type"] === "ExternalName") return [];
    return after["clusterIP"] === before["clusterIP"]
      ? []
      : [invalidValue("spec.clusterIPs[0]", after["clusterIPs"], "may not change once set")];
  },
};

const ADDRESS_MEMBERS = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"];

function giveAddress(spec: JsonObject, scope: WriteScope): void {
  if (spec["type"] === "ExternalName") return;
  setDefault(spec, "ipFamilies", ["IPv4"]);
  setDefault(spec, "ipFamilyPolicy", "SingleStack");
  if (textAt(spec, "clusterIP") === "") spec["clusterIP"] = freeAddress(scope);
  spec["clusterIPs"] = [spec["clusterIP"] ?? ""];
}

function freeAddress({ session, random }: WriteScope): string {
  const used = usedAddresses(session);
  let address = pickAddress(random);
  for (let tries = 1; tries < ADDRESS_TRIES && used.has(address); tries++) address = pickAddress(random);
  return address;
}

function pickAddress(random: Random): string {
  return `${ADDRESS_PREFIX}.${1 + randomInteger(random, 254)}.${1 + randomInteger(random, 254)}`;
}

function usedAddresses(session: StoreSession): Set<string> {
  return new Set(
    session.list("/services").map((service) => textAt(objectAt(service as unknown as JsonObject, "spec"), "clusterIP")),
  );
}

import { services } from "@skerry/api";
import { type JsonObject, type Random, randomInteger } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { cidrContains, parseCidr, parseIp } from "../../cel/ip-address.ts";
import { asJsonObject, ensureObject, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";
import { invalidValue } from "../field-error.ts";
import type { KindStrategy, WriteScope } from "../resource-definition.ts";
import { invalid } from "../status-errors.ts";
import type { StoreSession } from "../store-session.ts";
import { validateService } from "../validation/service-validation.ts";
import { assignNodePorts, nodePortErrors } from "./node-ports.ts";

/** Service addresses come from here; those that are given out leave the first ones to the API server and DNS. */
const ADDRESS_RANGE = "10.96.0.0/16";
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
      // Also for 0 and "", as clients in Go write out what they leave out.
      if (port["port"] !== undefined && !port["targetPort"]) port["targetPort"] = port["port"];
    }
    if (spec["type"] === "ExternalName") return;
    setDefault(spec, "internalTrafficPolicy", "Cluster");
    if (spec["type"] !== "ClusterIP") setDefault(spec, "externalTrafficPolicy", "Cluster");
  },
  prepareForCreate(service, scope) {
    service["status"] = { loadBalancer: {} };
    giveAddress(service, scope);
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
      giveAddress(next, scope);
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
    return [...validateService(spec, "spec"), ...nodePortErrors(spec)];
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

/** @throws ApiError Invalid when the address that is asked for is another's or none of ours */
function giveAddress(service: JsonObject, scope: WriteScope): void {
  const spec = ensureObject(service, "spec");
  if (spec["type"] === "ExternalName") return;
  setDefault(spec, "ipFamilies", ["IPv4"]);
  setDefault(spec, "ipFamilyPolicy", "SingleStack");
  const asked = textAt(spec, "clusterIP") || (Array.isArray(spec["clusterIPs"]) ? String(spec["clusterIPs"][0]) : "");
  spec["clusterIP"] = asked === "" ? freeAddress(scope) : checkedAddress(asked, service, scope);
  spec["clusterIPs"] = [spec["clusterIP"] ?? ""];
}

function checkedAddress(asked: string, service: JsonObject, { session }: WriteScope): string {
  const [address, range] = [parseIp(asked), parseCidr(ADDRESS_RANGE)];
  if (!address || !range) return asked; // None, or no address: told by the rules of Services.
  const problem = cidrContains(range, address)
    ? usedAddresses(session, service).has(asked) && "provided IP is already allocated"
    : `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${ADDRESS_RANGE}`;
  if (problem === false) return asked;
  const name = textAt(objectAt(service, "metadata"), "name");
  throw invalid(services, name, [
    invalidValue("spec.clusterIPs", [asked], `failed to allocate IP ${asked}: ${problem}`),
  ]);
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

/** Addresses of Services, of all but one that is made again. */
function usedAddresses(session: StoreSession, but?: JsonObject): Set<string> {
  const own = objectAt(but, "metadata");
  return new Set(
    session
      .list("/services")
      .filter(({ metadata }) => metadata.namespace !== own["namespace"] || metadata.name !== own["name"])
      .map((service) => textAt(objectAt(asJsonObject(service), "spec"), "clusterIP")),
  );
}

import type { JsonObject } from "@skerry/base";
import { parseIp } from "../../cel/ip-address.ts";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { duplicate, type FieldError, invalidValue, required } from "../field-error.ts";
import { ipErrors } from "./address-validation.ts";
import { labelRule, labelValueRule, nameErrors, qualifiedNameRule } from "./name-rules.ts";
import { notNegative } from "./number-rules.ts";

/** Rules of Endpoints. Addresses of the loopback are allowed, unlike in Kubernetes: pods without a sandbox have such. */
export function validateEndpoints(endpoints: JsonObject): FieldError[] {
  return objectsIn(endpoints["subsets"]).flatMap((subset, index) => {
    const at = `subsets[${index}]`;
    const lists = ["addresses", "notReadyAddresses"] as const;
    const errors = lists.flatMap((member) =>
      objectsIn(subset[member]).flatMap((address, number) =>
        ipErrors(`${at}.${member}[${number}].ip`, textAt(address, "ip")),
      ),
    );
    return lists.every((member) => objectsIn(subset[member]).length === 0)
      ? [...errors, required(at, "must specify `addresses` or `notReadyAddresses`")]
      : errors;
  });
}

/** Rules of an EndpointSlice's addresses. */
export function validateSliceAddresses(slice: JsonObject): FieldError[] {
  const type = textAt(slice, "addressType");
  return objectsIn(slice["endpoints"]).flatMap((endpoint, index) => {
    const at = `endpoints[${index}].addresses`;
    const addresses = Array.isArray(endpoint["addresses"]) ? endpoint["addresses"].map(String) : [];
    if (addresses.length === 0) return [required(at, "must contain at least 1 address")];
    return addresses.flatMap((address, number) => sliceAddressErrors(`${at}[${number}]`, address, type));
  });
}

function sliceAddressErrors(path: string, address: string, type: string): FieldError[] {
  if (type !== "IPv4" && type !== "IPv6") return [];
  const isGood = parseIp(address)?.length === (type === "IPv4" ? 4 : 16);
  return isGood ? [] : [invalidValue(path, address, `must be a valid ${type} address`)];
}

/** Rules of a Lease's spec. */
export function validateLease(spec: JsonObject, path: string): FieldError[] {
  const seconds = numberAt(spec, "leaseDurationSeconds");
  return [
    ...(seconds !== undefined && seconds <= 0
      ? [invalidValue(`${path}.leaseDurationSeconds`, seconds, "must be greater than 0")]
      : []),
    ...notNegative(spec, path, ["leaseTransitions"]),
  ];
}

/** An Event is in the namespace of what it is about. */
export function validateEvent(event: JsonObject): FieldError[] {
  const namespace = textAt(objectAt(event, "involvedObject"), "namespace");
  return namespace === "" || namespace === textAt(objectAt(event, "metadata"), "namespace")
    ? []
    : [invalidValue("involvedObject.namespace", namespace, "does not match event.namespace")];
}

/** Rules of a Node's taints. */
export function validateNode(node: JsonObject): FieldError[] {
  const seen = new Set<string>();
  return objectsIn(objectAt(node, "spec")["taints"]).flatMap((taint, index) => {
    const at = `spec.taints[${index}]`;
    const key = textAt(taint, "key");
    const pair = `${key}:${textAt(taint, "effect")}`;
    const isThere = seen.has(pair);
    seen.add(pair);
    return [
      // A missing key is told by the type table.
      ...(key === "" ? [] : nameErrors(qualifiedNameRule, `${at}.key`, key)),
      ...nameErrors(labelValueRule, `${at}.value`, textAt(taint, "value")),
      ...(isThere ? [duplicate(at, taint)] : []),
    ];
  });
}

/** Rules of a RuntimeClass. */
export function validateRuntimeClass(runtimeClass: JsonObject): FieldError[] {
  const handler = textAt(runtimeClass, "handler");
  return handler === "" ? [] : nameErrors(labelRule, "handler", handler);
}

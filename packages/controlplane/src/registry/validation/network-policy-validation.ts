import { isJsonObject, type JsonObject } from "@skerry/base";
import { parseCidr } from "../../cel/ip-address.ts";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../field-error.ts";
import { cidrErrors, isStrictSubset } from "./address-validation.ts";
import { validateLabelSelector } from "./label-selector-validation.ts";
import { portErrors } from "./number-rules.ts";

const TYPES = ["Egress", "Ingress"];

/** Rules of a NetworkPolicy's spec. */
export function validateNetworkPolicy(spec: JsonObject, path: string): FieldError[] {
  const types = Array.isArray(spec["policyTypes"]) ? spec["policyTypes"] : [];
  const at = `${path}.policyTypes`;
  return [
    ...validateLabelSelector(objectAt(spec, "podSelector"), `${path}.podSelector`),
    ...(
      [
        ["ingress", "from"],
        ["egress", "to"],
      ] as const
    ).flatMap(([member, peers]) =>
      objectsIn(spec[member]).flatMap((rule, index) => validateRule(rule, peers, `${path}.${member}[${index}]`)),
    ),
    ...(types.length > TYPES.length
      ? [invalidValue(at, types, "may not specify more than two policyTypes")]
      : types.flatMap((type, index) =>
          TYPES.includes(String(type)) ? [] : [notSupported(`${at}[${index}]`, type, TYPES)],
        )),
  ];
}

function validateRule(rule: JsonObject, peers: "from" | "to", path: string): FieldError[] {
  return [
    ...objectsIn(rule["ports"]).flatMap((port, index) => validatePort(port, `${path}.ports[${index}]`)),
    ...objectsIn(rule[peers]).flatMap((peer, index) => validatePeer(peer, `${path}.${peers}[${index}]`)),
  ];
}

function validatePort(port: JsonObject, path: string): FieldError[] {
  const [first, last] = [port["port"], numberAt(port, "endPort")];
  const errors = portErrors(`${path}.port`, first);
  if (last === undefined) return errors;
  const at = `${path}.endPort`;
  if (first === undefined)
    return [...errors, invalidValue(at, last, "may not be specified when `port` is not specified")];
  if (typeof first !== "number")
    return [...errors, invalidValue(at, last, "may not be specified when `port` is non-numeric")];
  return last < first ? [...errors, invalidValue(at, last, "must be greater than or equal to `port`")] : errors;
}

function validatePeer(peer: JsonObject, path: string): FieldError[] {
  const members = ["podSelector", "namespaceSelector", "ipBlock"].filter((member) => isJsonObject(peer[member]));
  if (members.length === 0) return [required(path, "must specify a peer")];
  const block = peer["ipBlock"];
  return [
    ...["podSelector", "namespaceSelector"].flatMap((member) =>
      validateLabelSelector(objectAt(peer, member), `${path}.${member}`),
    ),
    ...(isJsonObject(block) ? validateBlock(block, `${path}.ipBlock`) : []),
    ...(isJsonObject(block) && members.length > 1
      ? [forbiddenField(path, "may not specify both ipBlock and another peer")]
      : []),
  ];
}

function validateBlock(block: JsonObject, path: string): FieldError[] {
  const cidr = textAt(block, "cidr");
  if (cidr === "") return []; // Told by the type table.
  const network = parseCidr(cidr);
  if (!network) return cidrErrors(`${path}.cidr`, cidr);
  const except = Array.isArray(block["except"]) ? block["except"].map(String) : [];
  return except.flatMap((text, index) => {
    const at = `${path}.except[${index}]`;
    const inner = parseCidr(text);
    if (!inner) return cidrErrors(at, text);
    return isStrictSubset(inner, network) ? [] : [invalidValue(at, text, "must be a strict subset of `cidr`")];
  });
}

import type { IpFamily } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { textAt, textsIn } from "../api-object.ts";
import { duplicate, type FieldError, invalidValue, notSupported } from "../field-error.ts";

const FAMILIES: readonly string[] = ["IPv4", "IPv6"];
const POLICIES: readonly string[] = ["SingleStack", "PreferDualStack", "RequireDualStack"];

export function otherFamily(family: IpFamily): IpFamily {
  return family === "IPv4" ? "IPv6" : "IPv4";
}

/** Rules of a Service's families and addresses, each by itself and together; of one that is no name. */
export function serviceFamilyErrors(spec: JsonObject, path: string): FieldError[] {
  const policy = textAt(spec, "ipFamilyPolicy");
  const families = textsIn(spec["ipFamilies"]);
  return [
    ...(policy === "" || POLICIES.includes(policy) ? [] : [notSupported(`${path}.ipFamilyPolicy`, policy, POLICIES)]),
    ...families.flatMap((family, index) => {
      const at = `${path}.ipFamilies[${index}]`;
      if (!FAMILIES.includes(family)) return [notSupported(at, family, FAMILIES)];
      return families.indexOf(family) < index ? [duplicate(at, family)] : [];
    }),
    ...addressErrors(spec, path, families),
  ];
}

function addressErrors(spec: JsonObject, path: string, families: readonly string[]): FieldError[] {
  const addresses = textsIn(spec["clusterIPs"]);
  const [first] = addresses;
  const wrong = (detail: string): FieldError => invalidValue(`${path}.clusterIPs`, addresses, detail);
  if (addresses.length > 2) return [wrong("may only hold up to 2 values")];
  if (first !== undefined && textAt(spec, "clusterIP") !== "" && first !== spec["clusterIP"])
    return [wrong("first value must match `clusterIP`")];
  if (first === "None") return addresses.length > 1 ? [wrong("'None' must be the first and only value")] : [];
  if (new Set(addresses.map((address) => address.includes(":"))).size < addresses.length)
    return [wrong("may specify no more than one IP for each IP family")];
  return addresses.flatMap((address, index) => {
    const expected = families[index];
    if (expected === undefined || address === "" || address.includes(":") === (expected === "IPv6")) return [];
    const detail = `expected an ${expected} value as indicated by \`ipFamilies[${index}]\``;
    return [invalidValue(`${path}.clusterIPs[${index}]`, address, detail)];
  });
}

import { type Cidr, cidrContains, parseCidr, parseIp } from "../../cel/ip-address.ts";
import { type FieldError, invalidValue } from "../field-error.ts";

/** The member must be an IP address. */
export function ipErrors(path: string, text: string): FieldError[] {
  return parseIp(text)
    ? []
    : [invalidValue(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

/** The member must be a range of addresses. */
export function cidrErrors(path: string, text: string): FieldError[] {
  return parseCidr(text)
    ? []
    : [invalidValue(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}

/** Whether a range is part of another, and not all of it. */
export function isStrictSubset(inner: Cidr, outer: Cidr): boolean {
  return inner.prefixLength > outer.prefixLength && cidrContains(outer, inner.address);
}

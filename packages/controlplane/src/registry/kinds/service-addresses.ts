import { type IpFamily, services } from "@skerry/api";
import { type JsonObject, type Random, randomInteger } from "@skerry/base";
import { jsonEqual, serviceFamilies } from "@skerry/kube";
import { cidrContains, ipText, parseCidr, parseIp } from "../../cel/ip-address.ts";
import { asJsonObject, ensureObject, objectAt, textAt, textsIn } from "../api-object.ts";
import { type FieldError, invalidValue } from "../field-error.ts";
import type { WriteScope } from "../resource-definition.ts";
import { invalid } from "../status-errors.ts";
import type { StoreSession } from "../store-session.ts";
import { otherFamily, serviceFamilyErrors } from "../validation/service-family-validation.ts";

/** Service addresses come from here; those that are given out leave the first ones of IPv4 to the API server and DNS. */
const RANGES: Readonly<Record<IpFamily, string>> = { IPv4: "10.96.0.0/16", IPv6: "fd00:10:96::/112" };
const ADDRESS_TRIES = 64;

/**
 * Gives a Service addresses of the families that it is to have, as Kubernetes' dual-stack clusters do, IPv4 being the
 * first unless it says otherwise. One that has them keeps them.
 * @param before its spec before an update
 * @throws ApiError Invalid when an address that is asked for is another's or none of ours, or families contradict
 */
export function giveAddresses(service: JsonObject, scope: WriteScope, before?: JsonObject): void {
  const spec = ensureObject(service, "spec");
  if (spec["type"] === "ExternalName") return;
  if (before && contradictsItself(before) && jsonEqual(spec["ipFamilies"], before["ipFamilies"]))
    spec["ipFamilies"] = [];
  // A preference that was met as it could be is not looked at again.
  if (
    before &&
    spec["ipFamilyPolicy"] === "PreferDualStack" &&
    MEMBERS.every((each) => jsonEqual(spec[each], before[each]))
  )
    return;
  if (textsIn(spec["clusterIPs"]).length === 0 && textAt(spec, "clusterIP") !== "")
    spec["clusterIPs"] = [spec["clusterIP"] ?? ""];
  if (textAt(spec, "ipFamilyPolicy") === "")
    spec["ipFamilyPolicy"] = textAt(before, "ipFamilyPolicy") || usualPolicy(spec);
  refuse(service, serviceFamilyErrors(spec, "spec"));
  if (before) refuse(service, releaseSecond(spec, before));
  refuse(service, singleStackErrors(spec));
  spec["ipFamilies"] = families(spec);
  if (textsIn(spec["clusterIPs"])[0] !== "None") spec["clusterIPs"] = addresses(service, scope, before);
  spec["clusterIP"] = textsIn(spec["clusterIPs"])[0] ?? "";
}

/** Older versions stored whatever families were asked for, and gave IPv4 addresses. */
export function contradictsItself(spec: JsonObject): boolean {
  const stated = statedFamilies(spec);
  const addresses = textsIn(spec["clusterIPs"]);
  return serviceFamilies(stated, addresses.length > 0 ? addresses : [textAt(spec, "clusterIP")]) !== stated;
}

function statedFamilies(spec: JsonObject): IpFamily[] {
  return textsIn(spec["ipFamilies"]).map((text) => (text === "IPv6" ? "IPv6" : "IPv4"));
}

const MEMBERS = ["ipFamilyPolicy", "ipFamilies", "clusterIPs"];

/** What leads to pods of others' making may have either family. */
function usualPolicy(spec: JsonObject): string {
  return isHeadless(spec) && Object.keys(objectAt(spec, "selector")).length === 0 ? "RequireDualStack" : "SingleStack";
}

function isHeadless(spec: JsonObject): boolean {
  return textsIn(spec["clusterIPs"])[0] === "None";
}

/** Becoming single-stack gives the second address back, and nothing else does. */
function releaseSecond(spec: JsonObject, before: JsonObject): FieldError[] {
  const lists = [
    { member: "clusterIPs", what: "cluster IP" },
    { member: "ipFamilies", what: "IP family" },
  ];
  return lists.flatMap(({ member, what }) => {
    const [now, then] = [textsIn(spec[member]), textsIn(before[member])];
    if (spec["ipFamilyPolicy"] === "SingleStack") {
      if (jsonEqual(now, then)) spec[member] = now.slice(0, 1);
      return [];
    }
    const isReduced = then.length === 2 && now.length === 1 && now[0] === then[0];
    const detail = `must be 'SingleStack' to release the secondary ${what}`;
    return isReduced ? [invalidValue("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], detail)] : [];
  });
}

function singleStackErrors(spec: JsonObject): FieldError[] {
  if (spec["ipFamilyPolicy"] !== "SingleStack") return [];
  const lists = [
    { member: "clusterIPs", what: "cluster IPs" },
    { member: "ipFamilies", what: "IP families" },
  ];
  return lists.flatMap(({ member, what }) => {
    const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    return textsIn(spec[member]).length > 1 ? [invalidValue("spec.ipFamilyPolicy", "SingleStack", detail)] : [];
  });
}

/** Those that are asked for, else those of the addresses that are, else IPv4; the other one too for dual-stack. */
function families(spec: JsonObject): IpFamily[] {
  const asked = statedFamilies(spec);
  const given = isHeadless(spec) ? [] : textsIn(spec["clusterIPs"]).map(familyOf);
  const known = [...asked, ...given.slice(asked.length)];
  const [first = "IPv4"] = known;
  return spec["ipFamilyPolicy"] === "SingleStack" || known.length > 1
    ? [first, ...known.slice(1)]
    : [first, otherFamily(first)];
}

function familyOf(address: string): IpFamily {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** One of each family: the one that is asked for, or a free one. */
function addresses(service: JsonObject, scope: WriteScope, before: JsonObject | undefined): string[] {
  const spec = objectAt(service, "spec");
  const asked = textsIn(spec["clusterIPs"]);
  const kept = textsIn(before?.["clusterIPs"]);
  let known: ReadonlySet<string> | undefined;
  const used = (): ReadonlySet<string> => {
    known ??= usedAddresses(scope.session, service);
    return known;
  };
  return statedFamilies(spec).map((family, index) => {
    const address = asked[index];
    if (address === undefined || address === "") return freeAddress(family, used(), scope.random);
    // That the first must not change is told by the rules of updates.
    if (kept[index] === undefined) checkAddress(address, family, used(), service);
    return address;
  });
}

function checkAddress(asked: string, family: IpFamily, used: ReadonlySet<string>, service: JsonObject): void {
  const [address, range] = [parseIp(asked), parseCidr(RANGES[family])];
  if (!address || !range) return; // No address: told by the rules of Services.
  const problem = cidrContains(range, address)
    ? used.has(ipText(address)) && "provided IP is already allocated"
    : `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${RANGES[family]}`;
  if (problem === false) return;
  refuse(service, [invalidValue("spec.clusterIPs", [asked], `failed to allocate IP ${asked}: ${problem}`)]);
}

function freeAddress(family: IpFamily, used: ReadonlySet<string>, random: Random): string {
  let address = pickAddress(family, random);
  for (let tries = 1; tries < ADDRESS_TRIES && used.has(address); tries++) address = pickAddress(family, random);
  return address;
}

function pickAddress(family: IpFamily, random: Random): string {
  if (family === "IPv4") return `10.96.${1 + randomInteger(random, 254)}.${1 + randomInteger(random, 254)}`;
  return `fd00:10:96::${(1 + randomInteger(random, 0xfffe)).toString(16)}`;
}

/** Addresses of all Services but this one. */
function usedAddresses(session: StoreSession, but: JsonObject): Set<string> {
  const own = objectAt(but, "metadata");
  return new Set(
    session
      .list("/services")
      .filter(({ metadata }) => metadata.namespace !== own["namespace"] || metadata.name !== own["name"])
      .flatMap((service) => {
        const spec = objectAt(asJsonObject(service), "spec");
        return [textAt(spec, "clusterIP"), ...textsIn(spec["clusterIPs"])].map(canonical);
      }),
  );
}

/** An address may be written in several ways. */
function canonical(address: string): string {
  const bytes = parseIp(address);
  return bytes ? ipText(bytes) : address;
}

/** @throws ApiError Invalid when there are errors */
function refuse(service: JsonObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(services, textAt(objectAt(service, "metadata"), "name"), [...errors]);
}

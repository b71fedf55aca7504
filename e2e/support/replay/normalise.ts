import { parse } from "yaml";
import type { Exchange, Json } from "./recorded-command.ts";

/**
 * What no two clusters answer alike, in the order in which it is blanked in texts.
 * Blanks at line ends and column widths fall away too, since columns are as wide as what is in them.
 */
const BLANKED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "(time)"],
  [/\b(Sat|Sun|Mon|Tue|Wed|Thu|Fri), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, "(time)"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4} [A-Z]+/g, "(time)"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}/g, "(time)"],
  [/\/?tmp\/(LIVE|MERGED)-\d+/g, "/tmp/$1-(number)"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "(uid)"],
  [/\b10\.\d+\.\d+\.\d+\b/g, "(address)"],
  [/127\.0\.0\.1:\d+/g, "(server)"],
  [/\b[\w-]+\.[\w-]{2,}\.[\w-]{2,}(?=\n?$)/g, "(token)"],
  [/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\s*/g, "(certificate)"],
  [/(Server Version: v\d+\.\d+)\.\S+/g, "$1"],
  [/current: \d+/g, "current: (version)"],
  [/X509SHA256=\w+/g, "X509SHA256=(digest)"],
  // Generated: a template's hash, then a pod's suffix.
  [/\b(edge-app|d1)-[a-z0-9]{6,10}-[a-z0-9]{5}\b/g, "$1-(hash)-(suffix)"],
  [/\b(edge-app|d1)-[a-f0-9]{1}[a-z0-9]{5,9}\b/g, "$1-(hash)"],
  [/pod-template-hash(["\\:= ]+)[a-z0-9]{6,10}\b/g, "pod-template-hash$1(hash)"],
  [/\b(kube-api-access|svc1|j1)-[a-z0-9]{5}\b/g, "$1-(suffix)"],
  [/resourceVersion(["\\:= ]+)\d+/g, "resourceVersion$1(version)"],
];

/** Ages in a table or a description: `5m12s`, `3d`, `<unknown>` stays. */
const AGES = /(?<=^|\s|\()(\d+[smhdy]){1,2}(?=\s|$|\))/g;

/** KubeEdge was installed in the recorded cluster, and the build had a vendor's additions. */
const FOREIGN = /kubeedge\.io|openshift|tunnelport/;

/** Members of objects that the server makes up. */
const MADE_UP: Readonly<Record<string, string>> = {
  resourceVersion: "(version)",
  uid: "(uid)",
  clusterIP: "(address)",
  // What build it is.
  gitVersion: "(version)",
  gitCommit: "(version)",
  goVersion: "(version)",
  compiler: "(version)",
};

export function normaliseText(text: string): Json {
  // As text, the order of the managers would count.
  if (/^ *managedFields:/m.test(text) && text.startsWith("apiVersion:")) return normaliseJson(parse(text) as Json);
  const values = text.startsWith("{") ? jsonLines(text) : undefined;
  return values ? values.map((value) => normaliseJson(value)) : normaliseLines(text);
}

/** A text that is JSON, or a line of JSON each. */
function jsonLines(text: string): Json[] | undefined {
  for (const parts of [[text], text.split("\n").filter(Boolean)])
    try {
      return parts.map((part) => JSON.parse(part) as Json);
    } catch {
      // Not this way.
    }
  return undefined;
}

function normaliseLines(text: string): string {
  let result = text;
  for (const [pattern, instead] of BLANKED) result = result.replaceAll(pattern, instead);
  return result
    .replaceAll(AGES, "(age)")
    .split("\n")
    .filter((line) => !FOREIGN.test(line))
    .map((line) => line.replaceAll(/(?<=\S)[ \t]+/g, " ").trimEnd())
    .join("\n")
    .trim();
}

/** What a column means is said in our own words; kubectl does not show it. */
function withoutDescription(value: Json): Json {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const { description: _description, ...column } = value;
  return column;
}

/** An object that the recorded cluster had only for KubeEdge or the vendor. */
function isForeign(item: Json): boolean {
  if (item === null || typeof item !== "object" || Array.isArray(item)) return false;
  const { metadata, object, configMap } = item as Record<
    string,
    { name?: string; metadata?: { name?: string } } | null
  >;
  return [metadata?.name, object?.metadata?.name, configMap?.name].some(
    (name) => name !== undefined && FOREIGN.test(name),
  );
}

/** Entries stand in the order of their times, which differ by how fast the controllers were. */
function managerText(entry: Json): string {
  if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return "";
  return JSON.stringify([entry["operation"], entry["manager"], entry["apiVersion"], entry["subresource"] ?? ""]);
}

/** An answer without what no two clusters answer alike. */
export function normaliseJson(value: Json | undefined, member = ""): Json {
  if (Array.isArray(value)) {
    const own = value.filter((item) => !isForeign(item));
    const items =
      member === "columnDefinitions"
        ? own.map(withoutDescription)
        : member === "managedFields"
          ? own.toSorted((left, right) => (managerText(left) < managerText(right) ? -1 : 1))
          : own;
    return items.map((item) => normaliseJson(item, member));
  }
  if (value === null || value === undefined) return null;
  if (typeof value === "string") {
    if (member === "pod-template-hash") return "(hash)";
    const madeUp = MADE_UP[member];
    if (madeUp !== undefined && (value !== "" || madeUp === "(version)") && value !== "0" && value !== "None")
      return madeUp;
    if (member === "continue") return "(continue)";
    // An age in a table's cell, or another object as text.
    return member === "cells" ? normaliseLines(value) : blankedText(value);
  }
  if (typeof value !== "object") return value;
  // Bit by bit sorted: the order of members says nothing.
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [blankedText(name), normaliseJson(value[name], name)]),
  );
}

function blankedText(text: string): string {
  let result = text;
  for (const [pattern, instead] of BLANKED) result = result.replaceAll(pattern, instead);
  return result;
}

/** The place that an exchange is about, without what differs from run to run. */
export function exchangeKey({ method, url }: Pick<Exchange, "method" | "url">): string {
  const [path = "", query = ""] = url.split("?");
  const parameters = decodeURIComponent(query)
    .split("&")
    .filter((part) => part !== "" && !/^(timeoutSeconds|timeout|resourceVersion|continue)=/.test(part))
    // kubectl puts the parts of a selector in any order.
    .map((part) => part.replace(/(?<=^fieldSelector=).*/, (selector) => selector.split(",").sort().join(",")))
    .sort()
    .join("&");
  return blankedText(`${method} ${path}${parameters === "" ? "" : `?${parameters}`}`);
}

export function isWatch({ url }: Pick<Exchange, "url">): boolean {
  return /[?&]watch=(1|true)/.test(url);
}

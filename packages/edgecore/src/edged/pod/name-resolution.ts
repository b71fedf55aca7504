import type { Pod } from "@skerry/api";
import type { EdgedConfig } from "../config.ts";
import type { FileSystem } from "../ports.ts";
import { isIP } from "./ip-address.ts";

/** What a pod's /etc/resolv.conf says. */
export interface NameResolution {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

const RESOLV_CONF_LIMIT_BYTES = 64 * 1024;
/** The kubelet's limits. */
const MOST_SERVERS = 3;
const MOST_SEARCHES = 32;
const LONGEST_SEARCH_LINE = 2048;
/** The stub of systemd-resolved listens on the host's loopback, where a pod cannot reach it. */
const STUB_RESOLVER = "127.0.0.53";
const BEHIND_THE_STUB = "/run/systemd/resolve/resolv.conf";

/**
 * A pod's name resolution; ClusterFirst falls back to the host's where there is no cluster DNS.
 * @param server the node's own name server, for pods that it answers
 */
export async function nameResolution(
  pod: Pod,
  config: EdgedConfig,
  files: FileSystem,
  server?: string,
): Promise<NameResolution> {
  const { spec } = pod;
  const policy = spec.dnsPolicy ?? "ClusterFirst";
  const clusterFirst = (policy === "ClusterFirst" && spec.hostNetwork !== true) || policy === "ClusterFirstWithHostNet";
  const ownServers = server === undefined ? [] : [server];
  const clusterDns = config.clusterDns.length > 0 ? config.clusterDns : ownServers;
  const base = await baseResolution(policy, clusterFirst ? clusterDns : [], pod, config, files);
  const extra = spec.dnsConfig;
  if (!extra) return base;
  const options = new Map(base.options.map((option) => [option.split(":")[0] ?? option, option]));
  for (const { name, value } of extra.options ?? []) options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(extra.nameservers ?? [])]),
    searches: unique([...base.searches, ...(extra.searches ?? [])]),
    options: [...options.values()],
  };
}

/** A resolution that the pod's programs can use whole, and the lines of the given one that had to be cut. */
export interface FittingResolution {
  readonly resolution: NameResolution;
  readonly cut: readonly string[];
}

/** Cuts what the resolvers of programs do not take, as the kubelet does and says. */
export function fittingResolution(resolution: NameResolution): FittingResolution {
  const { servers, searches, options } = resolution;
  const fittingServers = servers.slice(0, MOST_SERVERS);
  const fittingSearches = searches.slice(0, MOST_SEARCHES);
  while (fittingSearches.join(" ").length > LONGEST_SEARCH_LINE) fittingSearches.pop();
  const cut: string[] = [];
  if (fittingSearches.length < searches.length)
    cut.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${fittingSearches.join(" ")}`,
    );
  if (fittingServers.length < servers.length)
    cut.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${fittingServers.join(" ")}`,
    );
  return { resolution: { servers: fittingServers, searches: fittingSearches, options }, cut };
}

/** Whether the pod asks for the cluster's names where nothing answers them: it asks the machine's name servers then. */
export function lacksClusterDns({ spec }: Pod, config: Pick<EdgedConfig, "clusterDns">): boolean {
  return spec.dnsPolicy === "ClusterFirstWithHostNet" && config.clusterDns.length === 0;
}

/** Whether the pod asks the node's own name server where there is one. */
export function asksNode({ spec }: Pod, config: Pick<EdgedConfig, "clusterDns">): boolean {
  const { dnsPolicy = "ClusterFirst", hostNetwork = false } = spec;
  return dnsPolicy === "ClusterFirst" && !hostNetwork && config.clusterDns.length === 0;
}

/** A pod's /etc/resolv.conf. */
export function resolvConfText({ servers, searches, options }: NameResolution): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

async function baseResolution(
  policy: string,
  clusterDns: readonly string[],
  pod: Pod,
  config: EdgedConfig,
  files: FileSystem,
): Promise<NameResolution> {
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const host = await hostResolution(config.resolvConf, files);
  if (clusterDns.length === 0) return host;
  const namespace = pod.metadata.namespace ?? "default";
  const domain = config.clusterDomain;
  return {
    servers: clusterDns,
    searches: unique([`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches]),
    options: ["ndots:5"],
  };
}

/** How the machine itself looks up names, as far as it is of use to others. */
export async function hostResolution(path: string, files: FileSystem): Promise<NameResolution> {
  const own = await readResolvConf(path, files);
  return own.servers.includes(STUB_RESOLVER) ? readResolvConf(BEHIND_THE_STUB, files, own) : own;
}

async function readResolvConf(path: string, files: FileSystem, otherwise?: NameResolution): Promise<NameResolution> {
  const bytes = await files.readFile(path, RESOLV_CONF_LIMIT_BYTES);
  if (!bytes) return otherwise ?? { servers: [], searches: [], options: [] };
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of new TextDecoder().decode(bytes).split("\n")) {
    const [keyword, ...values] = (line.split(/[#;]/)[0] ?? "").trim().split(/\s+/);
    if (keyword === "nameserver" && values[0] && isIP(values[0])) servers.push(values[0]);
    else if (keyword === "search" || keyword === "domain") searches = values;
    else if (keyword === "options") options = values;
  }
  return { servers, searches: searches.filter((search) => search !== "."), options };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

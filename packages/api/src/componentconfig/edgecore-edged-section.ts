import type { Taint } from "../kubernetes/core.ts";
import type { ConfigSection } from "./config-section.ts";
import {
  type EvictionSection,
  type ImageGarbageSection,
  readEviction,
  readImageGarbage,
} from "./edgecore-eviction-section.ts";
import { type ReservedResources, readReserved } from "./edgecore-reserved-section.ts";
import { readShutdown, type ShutdownGroup } from "./edgecore-shutdown-section.ts";
import { KUBELET_FIELDS_WITHOUT_EFFECT, V1ALPHA1_FIELDS_WITHOUT_EFFECT } from "./edgecore-unused-fields.ts";
import { readSizeText } from "./size-text.ts";

/** How the node runs pods. */
export interface EdgedSection {
  readonly enabled: boolean;
  readonly rootDirectory: string;
  readonly podLogsDirectory: string;
  /** Empty: found by itself. */
  readonly nodeIps: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** `unix:///…` of the CRI socket. */
  readonly containerRuntimeEndpoint: string;
  readonly kubeletPort: number;
  readonly maxPods: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly resolvConf: string;
  readonly nodeStatusPeriodMs: number;
  readonly nodeStatusReportPeriodMs: number;
  readonly nodeLeaseDurationSeconds: number;
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  readonly staticPods: { readonly folder: string; readonly checkPeriodMs: number };
  readonly eviction: EvictionSection;
  readonly imageGarbage: ImageGarbageSection;
  readonly reserved: ReservedResources;
  /** Whether pods together cannot take what is reserved. */
  readonly keepsReserved: boolean;
  /** So many processes a pod has at most; undefined: any. */
  readonly podPidsLimit: number | undefined;
  /** So many images are pulled at the same time. */
  readonly parallelImagePulls: number;
  /** Containers that name no seccomp profile have the runtime's. */
  readonly seccompDefault: boolean;
  /** So many images, the largest first, are in the node's status; undefined: all. */
  readonly statusImagesLimit: number | undefined;
  /** The times that pods have to end when the machine goes down; empty: they are not ended before it. */
  readonly shutdownGroups: readonly ShutdownGroup[];
  /** Where device plugins register, and their own sockets are. */
  readonly devicePluginFolder: string;
}

const DEFAULT_ROOT = "/var/lib/kubelet";
const DEFAULT_ENDPOINT = "unix:///run/containerd/containerd.sock";
/** More would only share the same line and disk; each takes memory of the runtime. */
export const DEFAULT_PARALLEL_PULLS = 5;
const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/**
 * KubeEdge's `modules.edged`: v1alpha2, and the flat fields of v1alpha1 where they still mean something.
 * @param extras the section `skerry`
 */
export function readEdged(
  edged: ConfigSection,
  extras: ConfigSection,
): { readonly nodeName: string; readonly edged: EdgedSection } {
  const kubelet = edged.section("tailoredKubeletConfig");
  const enabled = edged.flag("enable", true);
  const rootDirectory = readPath(edged, "rootDirectory", DEFAULT_ROOT);
  const nodeName = edged.text("hostnameOverride", "").trim();
  if (!kubelet.flag("registerNode", edged.flag("registerNode", true)))
    edged.warn("registerNode", "the node registers itself all the same");
  const oldEndpoint = edged.text("remoteRuntimeEndpoint", DEFAULT_ENDPOINT);
  const oldStatusPeriodMs = edged.durationMs("nodeStatusUpdateFrequency", 10_000);
  const oldDns = edged.text("clusterDNS", "");
  const section: EdgedSection = {
    enabled,
    rootDirectory,
    // A folder of its own must hold all there is of a node.
    podLogsDirectory:
      rootDirectory !== DEFAULT_ROOT && !kubelet.has("podLogsDir")
        ? `${rootDirectory}/pod-logs`
        : readPath(kubelet, "podLogsDir", "/var/log/pods"),
    nodeIps: readNodeIps(edged),
    nodeLabels: { ...edged.textMap("labels"), ...edged.textMap("nodeLabels") },
    taints: [
      ...readTaints(edged, "taints"),
      ...readTaints(kubelet, "registerWithTaints"),
      ...(edged.flag("registerSchedulable", true) ? [] : [UNSCHEDULABLE]),
    ],
    containerRuntimeEndpoint: readEndpoint(kubelet, oldEndpoint),
    kubeletPort: kubelet.port("readOnlyPort", 10350),
    maxPods: kubelet.integer("maxPods", 110, { minimum: 1, maximum: 10_000 }),
    clusterDns: kubelet.texts("clusterDNS", oldDns === "" ? [] : [oldDns]),
    clusterDomain: kubelet.text("clusterDomain", edged.text("clusterDomain", "") || "cluster.local"),
    resolvConf: readPath(kubelet, "resolvConf", "/etc/resolv.conf"),
    nodeStatusPeriodMs: kubelet.durationMs("nodeStatusUpdateFrequency", oldStatusPeriodMs),
    nodeStatusReportPeriodMs: kubelet.durationMs("nodeStatusReportFrequency", 300_000),
    nodeLeaseDurationSeconds: kubelet.integer("nodeLeaseDurationSeconds", 40, { minimum: 5, maximum: 86_400 }),
    containerLogMaxBytes: readSize(kubelet, "containerLogMaxSize", "10Mi"),
    containerLogMaxFiles: kubelet.integer("containerLogMaxFiles", 5, { minimum: 2, maximum: 1000 }),
    staticPods: {
      folder: readPath(kubelet, "staticPodPath", "/etc/kubeedge/manifests"),
      checkPeriodMs: Math.max(1000, kubelet.durationMs("fileCheckFrequency", 20_000)),
    },
    eviction: readEviction(kubelet),
    imageGarbage: readImageGarbage(kubelet),
    reserved: readReserved(kubelet),
    keepsReserved: readKeepsReserved(kubelet),
    podPidsLimit: readPodPidsLimit(kubelet),
    parallelImagePulls: readParallelPulls(kubelet),
    seccompDefault: kubelet.flag("seccompDefault", edged.flag("seccompDefault", false)),
    statusImagesLimit: readStatusImagesLimit(kubelet),
    shutdownGroups: readShutdown(kubelet),
    devicePluginFolder: readPath(extras, "devicePluginFolder", `${rootDirectory}/device-plugins`),
  };
  tellMissingProtections(kubelet);
  kubelet.ignore(...KUBELET_FIELDS_WITHOUT_EFFECT);
  kubelet.finish();
  // The runtime decides on its sandbox image; events are always reported.
  edged.ignore("podSandboxImage", "reportEvent", ...V1ALPHA1_FIELDS_WITHOUT_EFFECT);
  edged.finish();
  return { nodeName, edged: section };
}

/** What somebody switches on to be protected by it is not left out without a word. */
function tellMissingProtections(kubelet: ConfigSection): void {
  for (const name of ["cpuManagerPolicy", "memoryManagerPolicy", "topologyManagerPolicy"])
    if (!/^(none)?$/i.test(kubelet.text(name, "")))
      kubelet.warn(name, "has no effect: all containers share all processors and memory");
}

/** As the kubelet's `--node-ip`. */
function readNodeIps(edged: ConfigSection): readonly string[] {
  const addresses = edged
    .text("nodeIP", "")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
  const families = new Set(addresses.map((address) => address.includes(":")));
  if (families.size < addresses.length)
    edged.error("nodeIP", "must be one address, or one of IPv4 and one of IPv6 with a comma between them");
  return addresses;
}

/** The kernel has no more than 2^22. */
function readPodPidsLimit(kubelet: ConfigSection): number | undefined {
  const limit = kubelet.integer("podPidsLimit", -1, { minimum: -1, maximum: 2 ** 32 });
  return limit > 0 ? Math.min(limit, 2 ** 22) : undefined;
}

/**
 * One at a time only where the file says so, as KubeEdge's own ones do. Left out it is several, unlike in the kubelet: one
 * large image would keep all small ones waiting on a slow line.
 */
function readParallelPulls(kubelet: ConfigSection): number {
  const isSerial = kubelet.flag("serializeImagePulls", false);
  const isGiven = kubelet.has("maxParallelImagePulls");
  const most = kubelet.integer("maxParallelImagePulls", DEFAULT_PARALLEL_PULLS, { minimum: 1, maximum: 1000 });
  if (isSerial && isGiven && most > 1)
    kubelet.warn("maxParallelImagePulls", "images are pulled one after the other, because serializeImagePulls is true");
  return isSerial ? 1 : most;
}

/** The kubelet's `enforceNodeAllocatable`. */
function readKeepsReserved(kubelet: ConfigSection): boolean {
  const places = kubelet.texts("enforceNodeAllocatable", ["pods"]);
  const others = places.filter((place) => !["pods", "none", ""].includes(place));
  if (others.length > 0)
    kubelet.warn(
      "enforceNodeAllocatable",
      `pods are kept to what is not reserved; ${others.join(" and ")} has no effect`,
    );
  return places.includes("pods");
}

/** The kubelet's default; KubeEdge's own is none, which its files say. */
function readStatusImagesLimit(kubelet: ConfigSection): number | undefined {
  const limit = kubelet.integer("nodeStatusMaxImages", 50, { minimum: -1, maximum: 1000 });
  return limit === -1 ? undefined : limit;
}

function readPath(section: ConfigSection, name: string, fallback: string): string {
  const path = section.text(name, fallback).replace(/(?<=.)\/+$/, "");
  if (path.startsWith("/")) return path;
  section.error(name, "must be an absolute path");
  return fallback;
}

function readEndpoint(kubelet: ConfigSection, fallback: string): string {
  const endpoint = kubelet.text("containerRuntimeEndpoint", fallback);
  if (/^(unix:\/\/)?\/./.test(endpoint)) return endpoint;
  kubelet.error("containerRuntimeEndpoint", "must be unix:///path/of/the/socket");
  return fallback;
}

function readTaints(section: ConfigSection, name: string): Taint[] {
  return section.sections(name).map((item) => {
    const key = item.text("key", "");
    const value = item.text("value", "");
    const effect = item.text("effect", "");
    item.ignore("timeAdded");
    item.finish();
    if (key === "") item.error("key", "must be given");
    if (effect === "NoSchedule" || effect === "PreferNoSchedule" || effect === "NoExecute")
      return { key, effect, ...(value === "" ? {} : { value }) };
    item.error("effect", "must be NoSchedule, PreferNoSchedule or NoExecute");
    return { key, effect: "NoSchedule" };
  });
}

function readSize(section: ConfigSection, name: string, fallback: string): number {
  const size = readSizeText(section.text(name, fallback));
  if (size === undefined) section.error(name, `must be a size such as ${fallback}`);
  return size ?? readSizeText(fallback) ?? 0;
}

import { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { request } from "node:https";
import { connect, isIP } from "node:net";
import { join } from "node:path";
import { type EdgeCoreConfig, parseEdgeCoreConfig } from "@skerry/api";
import { isSkerryError } from "@skerry/base";
import { readConfigFile } from "../commands/config-file.ts";
import { loadSettings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import type { Examined, ExaminedPort } from "./examined.ts";

const TIMEOUT_MS = 5_000;

/** Looks at this machine: its cloud, its node, or both. */
export async function examine(home: SkerryHome, configFile: string | undefined): Promise<Examined> {
  const settings = loadSettings(home);
  const ownConfig = settings.node === undefined ? undefined : join(home.nodeFolder(settings.node), "edgecore.yaml");
  const path = configFile ?? (ownConfig && existsSync(ownConfig) ? ownConfig : undefined);
  const edge = path === undefined ? undefined : parseEdgeCoreConfig(await readConfigFile(path)).config;
  const hasCloud = settings.cloud === undefined && existsSync(home.kubeconfig);
  const status = await supervisorStatus(home);
  const addresses = [
    ...(hasCloud ? [["the Kubernetes API", "127.0.0.1", settings.apiPort] as const] : []),
    ...(hasCloud ? [["CloudCore", "127.0.0.1", settings.cloudHubPort] as const] : []),
    ...(edge ? cloudAddresses(edge) : []),
  ];
  const ports = await Promise.all(addresses.map(([what, host, port]) => examinePort(what, host, port)));
  const hosts = [...new Set(addresses.map(([, host]) => host))].filter((host) => isIP(host) === 0);
  const https = edge ? hostAndPort(edge.edgeHub.httpServer.replace(/^https:\/\//, ""), 10002) : undefined;
  return {
    nowMs: Date.now(),
    nodeVersion: process.versions.node,
    clockDifferenceMs: https && (await clockDifference(...https)),
    names: await Promise.all(hosts.map(async (name) => ({ name, failure: await failureOf(lookup(name)) }))),
    ports,
    certificates: edge
      ? [{ what: "the node", path: edge.edgeHub.certificateFile, validity: validityOf(edge.edgeHub.certificateFile) }]
      : [],
    disk: examineDisk(home.folder),
    memoryAvailableBytes:
      Number(/^MemAvailable:\s+(\d+)/m.exec(textOf("/proc/meminfo"))?.[1] ?? Number.MAX_SAFE_INTEGER) * 1024,
    node: edge && {
      name: edge.nodeName,
      isRoot: process.getuid?.() === 0,
      controlGroups: controlGroups(),
      runtime: await examineRuntime(edge),
    },
    processes: (status?.parts ?? []).map(({ name, state }) => ({
      name,
      isRunning: state.kind === "running",
      reason: state.kind === "waiting" ? state.reason : state.kind,
    })),
    isSupervised: status !== undefined,
  };
}

function cloudAddresses({
  edgeHub,
  edgeStream,
}: EdgeCoreConfig): (readonly [what: string, host: string, port: number])[] {
  return [
    ...edgeHub.servers.map((server) => ["CloudCore's WebSocket", ...hostAndPort(server, 10000)] as const),
    ["CloudCore's HTTPS", ...hostAndPort(edgeHub.httpServer.replace(/^https:\/\//, ""), 10002)] as const,
    ...(edgeStream.enabled
      ? edgeStream.servers.map((server) => ["CloudCore's streams", ...hostAndPort(server, 10004)] as const)
      : []),
  ];
}

/** `host:port`, an IPv6 address in brackets. */
function hostAndPort(text: string, fallback: number): readonly [host: string, port: number] {
  const [, host = text, port] = /^\[?(.*?)\]?(?::(\d+))?\/?$/.exec(text) ?? [];
  return [host, Number(port ?? fallback)];
}

async function supervisorStatus(home: SkerryHome): Promise<SupervisorStatus | undefined> {
  try {
    return (await askSupervisor(home, { command: "status" })) as SupervisorStatus;
  } catch (error) {
    if (isSkerryError(error)) return undefined;
    throw error;
  }
}

function examinePort(what: string, host: string, port: number): Promise<ExaminedPort> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (failure: string | undefined): void => {
      socket.destroy();
      resolve({ what, host, port, failure });
    };
    socket.setTimeout(TIMEOUT_MS, () => end(`no answer within ${TIMEOUT_MS / 1000} s`));
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end(error.message));
  });
}

/** What the HTTP header `Date` of CloudCore says; whose certificate it is matters to nothing here. */
function clockDifference(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const options = { host, port, path: "/ca.crt", rejectUnauthorized: false, timeout: TIMEOUT_MS, agent: false };
    const outgoing = request(options, (response) => {
      const cloudMs = Date.parse(response.headers.date ?? "");
      response.destroy();
      resolve(Number.isNaN(cloudMs) ? undefined : cloudMs - Date.now());
    });
    outgoing.once("timeout", () => outgoing.destroy());
    outgoing.once("error", () => resolve(undefined));
    outgoing.once("close", () => resolve(undefined));
    outgoing.end();
  });
}

async function examineRuntime({ edged }: EdgeCoreConfig): Promise<NonNullable<Examined["node"]>["runtime"]> {
  try {
    const { runtimeStatus } = await import("@skerry/edgecore/platform");
    return await runtimeStatus(edged.containerRuntimeEndpoint);
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function examineDisk(folder: string): Examined["disk"] {
  const path = existsSync(folder) ? folder : ".";
  const { bavail, blocks, bsize } = statfsSync(path);
  let isWritable = true;
  try {
    accessSync(path, constants.W_OK);
  } catch {
    isWritable = false;
  }
  return { path: folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize, isWritable };
}

function validityOf(path: string): { readonly fromMs: number; readonly untilMs: number } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(readFileSync(path));
    return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) };
  } catch {
    return undefined;
  }
}

/** Of either version. */
function controlGroups(): { readonly cpu: boolean; readonly memory: boolean } {
  const unified = textOf("/sys/fs/cgroup/cgroup.controllers").split(/\s+/);
  const mounted = textOf("/proc/self/mountinfo");
  const has = (name: string): boolean =>
    unified.includes(name) || new RegExp(` - cgroup \\S+ \\S*\\b${name}\\b`).test(mounted);
  return { cpu: has("cpu"), memory: has("memory") };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A file that this kernel does not have.
  }
}

async function failureOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

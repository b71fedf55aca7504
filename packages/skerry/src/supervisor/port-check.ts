import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import { portInUse, usageError } from "../errors.ts";

/** A port that a part is about to listen on. */
export interface WantedPort {
  readonly address: string;
  readonly port: number;
  readonly purpose: string;
  /** The command line option that changes it. */
  readonly option: string;
}

/**
 * Throws SKERRY_PORT_IN_USE, naming the holder if it can be seen, for the first port that is taken, and SKERRY_USAGE
 * for one that is wanted twice or cannot be had at all.
 */
export async function checkPorts(ports: readonly WantedPort[]): Promise<void> {
  for (const [index, { address, port, purpose, option }] of ports.entries()) {
    const twin = ports.slice(0, index).find((other) => other.port === port);
    if (twin) throw usageError(`${twin.option} and ${option} are both ${port}; each part needs a port of its own`);
    const failure = await listenFailure(address, port);
    if (failure === "EADDRNOTAVAIL") throw usageError(`${address} (${purpose}) is no address of this machine`);
    if (failure === "EACCES") throw usageError(`Port ${port} (${option}) may be listened on by root only`);
    if (failure !== undefined) throw portInUse(port, purpose, option, portHolder(port));
  }
}

/** The system's code for why the port cannot be listened on; undefined when it can. */
function listenFailure(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    server.listen(port, address, () => server.close(() => resolve(undefined)));
  });
}

/** `wanted` if it is free, else a free port that the system chooses. */
export async function freePort(address: string, wanted = 0): Promise<number> {
  if (wanted !== 0 && (await listenFailure(address, wanted)) === undefined) return wanted;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : 0));
    });
  });
}

/** Name and process id of who listens on the port, as far as this user may see. */
export function portHolder(port: number): string | undefined {
  const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => listeningInodes(file, port)));
  if (inodes.size === 0) return undefined;
  for (const processId of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const folder = `/proc/${processId}/fd`;
      const holds = readdirSync(folder).some((file) => {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${file}`))?.[1];
        return inode !== undefined && inodes.has(inode);
      });
      if (holds) return `${programOf(processId)} (process ${processId})`;
    } catch {
      // Ended while we looked, or not ours to see.
    }
  }
  return undefined;
}

/** What a person would call the program: its file's name; for an interpreter with its script and the word after it. */
function programOf(processId: string): string {
  const words = readFileSync(`/proc/${processId}/cmdline`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
  const [program, ...more] = words
    .filter((word, index) => index === 0 || !word.startsWith("-"))
    .map((word) => basename(word));
  if (program === undefined) return readFileSync(`/proc/${processId}/comm`, "utf8").trim();
  const isInterpreter = /^(node|python[\d.]*|perl|ruby|java|sh|bash)$/.test(program);
  return isInterpreter ? [program, ...more.slice(0, 2)].join(" ") : program;
}

function listeningInodes(file: string, port: number): string[] {
  if (!existsSync(file)) return [];
  const listening = "0A";
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening && fields[1]?.endsWith(suffix))
    .flatMap((fields) => fields[9] ?? []);
}

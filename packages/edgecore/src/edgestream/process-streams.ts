import type { Container, Pod } from "@skerry/api";
import { type ByteStream, type ConnectRequest, encodeRequestHead, type KubeletPath, refused } from "@skerry/streams";
import { podUidLabel, restartCountOf } from "../edged/pod/runtime-names.ts";
import type { ContainerRuntime } from "../edged/ports.ts";
import type { LoopbackRelay, StreamingRuntime, ProcessStreams as Wanted } from "./ports.ts";
import { upgradeHeaders } from "./upgrade-headers.ts";

export interface ProcessStreamsPorts {
  readonly runtime: Pick<ContainerRuntime, "listContainers" | "listSandboxes">;
  readonly streaming: StreamingRuntime;
  readonly loopback: LoopbackRelay;
}

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * exec, attach and port-forward: asks the runtime for an address of its streaming server, and carries the caller's
 * upgrade there unchanged. What SPDY or WebSocket say inside is between kubectl and the runtime.
 */
export class ProcessStreams {
  readonly #ports: ProcessStreamsPorts;

  constructor(ports: ProcessStreamsPorts) {
    this.#ports = ports;
  }

  /** @throws SkerryError `EDGESTREAM_*`, `RUNTIME_*` before anything was carried */
  async serve(request: ConnectRequest, path: KubeletPath, pod: Pod, stream: ByteStream): Promise<void> {
    const headers = upgradeHeaders(request);
    const address = await this.#addressOf(request, path, pod);
    if (stream.closed.aborted) return;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    // The runtime's answer is trusted, but nothing of a node's network is to be reachable through it by mistake.
    if (url?.protocol !== "http:" || !LOOPBACK_HOSTS.has(url.hostname))
      throw refused(501, "the container runtime's streaming server is not on the node's loopback address");
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const head = encodeRequestHead(request.method, `${url.pathname}${url.search}`, [["Host", url.host], ...headers]);
    await this.#ports.loopback.relay(host, Number(url.port || "80"), head, stream);
  }

  async #addressOf(request: ConnectRequest, path: KubeletPath, pod: Pod): Promise<string> {
    const { streaming } = this.#ports;
    const uid = pod.metadata.uid ?? "";
    if (path.kind === "port-forward") return streaming.portForwardUrl(await this.#sandboxOf(uid, path.pod));
    const query = new URLSearchParams(request.query);
    const containerId = await this.#containerOf(uid, path);
    const specified: Container | undefined = containersOf(pod).find(({ name }) => name === path.container);
    const isExec = path.kind === "exec";
    const tty = isExec ? isSet(query, "tty") : specified?.tty === true;
    const wanted: Wanted = {
      stdin: isSet(query, "input"),
      stdout: isSet(query, "output"),
      // A terminal has one output only.
      stderr: isSet(query, "error") && !tty,
      tty,
    };
    if (!isExec) return streaming.attachUrl(containerId, wanted);
    const command = query.getAll("command");
    if (command.length === 0) throw refused(400, "no command was given");
    return streaming.execUrl(containerId, command, wanted);
  }

  async #containerOf(uid: string, { pod, container }: KubeletPath): Promise<string> {
    const containers = await this.#ports.runtime.listContainers({ [podUidLabel]: uid });
    const running = containers
      .filter(({ name, state }) => name === container && state === "running")
      .sort((left, right) => restartCountOf(right) - restartCountOf(left));
    const [newest] = running;
    if (!newest) throw refused(404, `container ${container} of pod ${pod} is not running`);
    return newest.id;
  }

  async #sandboxOf(uid: string, pod: string): Promise<string> {
    const sandboxes = await this.#ports.runtime.listSandboxes({ [podUidLabel]: uid });
    const ready = sandboxes.find(({ state }) => state === "ready");
    if (!ready) throw refused(404, `pod ${pod} is not running`);
    return ready.id;
  }
}

/** All containers that a pod names, of whatever kind. */
export function containersOf({ spec }: Pod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function isSet(query: URLSearchParams, name: string): boolean {
  return ["1", "true"].includes(query.get(name) ?? "");
}

import { join } from "node:path";
import { isMirrorPod, type Pod, SYSTEM_NAMESPACE, systemPodName } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type Logger } from "@skerry/base";
import {
  type ByteStream,
  type ConnectRequest,
  type ContainerLogPorts,
  containerLog,
  encodeResponseHead,
  type KubeletPath,
  type LogFiles,
  LogPace,
  type LogSource,
  parseKubeletPath,
  readLogOptions,
  refused,
  type StreamKind,
} from "@skerry/streams";
import type { EdgedConfig } from "../edged/config.ts";
import { PodPaths } from "../edged/pod/pod-paths.ts";
import { podIdentity, podUidLabel, restartCountOf } from "../edged/pod/runtime-names.ts";
import type { ContainerRuntime } from "../edged/ports.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import type { NodeMetrics } from "./metrics/node-metrics.ts";
import type { LoopbackRelay, StreamingRuntime } from "./ports.ts";
import { containersOf, ProcessStreams } from "./process-streams.ts";

export interface PodStreamsPorts {
  readonly meta: MetaClient;
  /** The static pod that a mirror pod stands for. */
  readonly mirroredBy?: (mirror: Pod) => Pod | undefined;
  readonly runtime: ContainerRuntime;
  readonly files: LogFiles;
  readonly streaming: StreamingRuntime;
  readonly loopback: LoopbackRelay;
  /** Of EdgeCore itself, which the cluster sees as a pod; left out: it has no log to show. */
  readonly ownLogFolder?: string;
  /** The node's measurements; left out: they are not served. */
  readonly metrics?: Pick<NodeMetrics, "answer">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Pick<EdgedConfig, "nodeName" | "rootDirectory" | "podLogsDirectory">;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  501: "Not Implemented",
  502: "Bad Gateway",
};

/** What KubeEdge's cloud reads no HTTP head of. */
const PLAIN_KINDS: ReadonlySet<StreamKind> = new Set(["logs", "metrics"]);
const PLAIN_TEXT = { "content-type": "text/plain; charset=utf-8" };

/** The kubelet's streaming API of this node, served on the streams of the tunnel instead of a port. */
export class PodStreams {
  readonly #ports: PodStreamsPorts;
  readonly #logPorts: ContainerLogPorts;
  readonly #processes: ProcessStreams;

  constructor(ports: PodStreamsPorts) {
    this.#ports = ports;
    this.#logPorts = { files: ports.files, clock: ports.clock, pace: new LogPace(ports.clock) };
    this.#processes = new ProcessStreams(ports);
  }

  /**
   * Serves one stream to its end. What goes wrong is answered as text, with an HTTP head.
   * @param withHead whether the cloud reads an HTTP head before logs; KubeEdge's does not
   */
  async serve(request: ConnectRequest, stream: ByteStream, withHead: boolean): Promise<void> {
    try {
      if (request.kind === "metrics") return await this.#serveMetrics(request, stream, withHead);
      const path = parseKubeletPath(request.path);
      if (!path || path.kind !== request.kind) throw refused(404, "this path of the kubelet's API is not served");
      const pod = this.#podOf(path);
      if (path.kind === "logs") await this.#serveLogs(request, path, pod, stream, withHead);
      else if (isMirrorPod(pod)) throw refused(400, `${path.pod} is a process of the machine, not a container`);
      else await this.#processes.serve(request, path, pod, stream);
    } catch (error) {
      if (stream.closed.aborted) return;
      await this.#answerError(error, stream, withHead || !PLAIN_KINDS.has(request.kind));
    } finally {
      stream.close();
    }
  }

  async #serveMetrics({ path, query }: ConnectRequest, stream: ByteStream, withHead: boolean): Promise<void> {
    const answer = await this.#ports.metrics?.answer(path, query);
    if (!answer) throw refused(404, "this path of the kubelet's API is not served");
    if (withHead) await stream.write(encodeResponseHead(200, "OK", { "content-type": answer.contentType }));
    await stream.write(new TextEncoder().encode(answer.text));
  }

  async #serveLogs(
    request: ConnectRequest,
    path: KubeletPath,
    pod: Pod,
    stream: ByteStream,
    withHead: boolean,
  ): Promise<void> {
    const { clock } = this.#ports;
    const options = readLogOptions(request.query, clock.now());
    const source = this.#sourceOf(path, pod);
    const head = withHead ? encodeResponseHead(200, "OK", PLAIN_TEXT) : new Uint8Array();
    let isAnswered = false;
    try {
      for await (const block of containerLog(this.#logPorts, source, options, stream.closed, head)) {
        isAnswered = true;
        await stream.write(block);
      }
    } catch (error) {
      if (!isAnswered) throw error;
      // An error text would look like a line of the log.
      if (!stream.closed.aborted)
        this.#ports.logger.warn("A log could not be read to its end", {
          path: request.path,
          error: describeError(error),
        });
    }
  }

  #sourceOf({ namespace, pod: name, container }: KubeletPath, pod: Pod): LogSource {
    const { config, ownLogFolder = "" } = this.#ports;
    // Whoever may make pods somewhere must not read EdgeCore's log by calling one of them a mirror pod.
    const isOwn = namespace === SYSTEM_NAMESPACE && name === systemPodName("edgecore", config.nodeName);
    if (isMirrorPod(pod) && !isOwn) throw refused(404, `pod ${namespace}/${name} has no log here`);
    if (isMirrorPod(pod)) return { pod: name, container, folder: ownLogFolder, isRunning: async () => true };
    const identity = podIdentity(pod);
    const { logs } = new PodPaths(config.rootDirectory, config.podLogsDirectory, identity);
    const isRunning = (restartCount: number): Promise<boolean> =>
      this.#isRunning(identity.uid, container, restartCount);
    return { pod: name, container, folder: join(logs, container), isRunning };
  }

  /** The pod, when it is on this node and has the container. */
  #podOf({ namespace, pod: name, uid, container }: KubeletPath): Pod {
    const pod = this.#ports.meta
      .list<Pod>("pod")
      .find(({ metadata }) => metadata.name === name && (metadata.namespace ?? "default") === namespace);
    if (!pod || (uid !== "" && pod.metadata.uid !== uid)) throw refused(404, `pod ${namespace}/${name} is not here`);
    if (container !== "" && !containersOf(pod).some((each) => each.name === container))
      throw refused(400, `container ${container} is not valid for pod ${name}`);
    return this.#ports.mirroredBy?.(pod) ?? pod;
  }

  /** A runtime that does not answer proves nothing. */
  async #isRunning(uid: string, name: string, restartCount: number): Promise<boolean> {
    try {
      const containers = await this.#ports.runtime.listContainers({ [podUidLabel]: uid });
      const found = containers.find((each) => each.name === name && restartCountOf(each) === restartCount);
      return found?.state === "running" || found?.state === "created";
    } catch {
      return true;
    }
  }

  async #answerError(error: unknown, stream: ByteStream, withHead: boolean): Promise<void> {
    const coded = isSkerryError(error) ? error : undefined;
    if (!coded) this.#ports.logger.warn("A stream into a pod failed", { error: describeError(error) });
    const status = Number(coded?.details["httpStatus"] ?? 500);
    const text = new TextEncoder().encode(coded?.message ?? "internal error of the node");
    // KubeEdge's cloud does not end the connection to the API server when the stream ends.
    const headers = { ...PLAIN_TEXT, "content-length": String(text.length), connection: "close" };
    try {
      if (withHead) await stream.write(encodeResponseHead(status, REASONS[status] ?? "Error", headers));
      await stream.write(text);
    } catch {
      // The stream is over: nobody is left to hear of it.
    }
  }
}

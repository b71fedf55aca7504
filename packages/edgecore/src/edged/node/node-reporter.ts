import type { Condition, Node, NodeStatus } from "@skerry/api";
import { describeError, isSkerryError, type JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { DeviceCount } from "../devices/container-devices.ts";
import type { PressureCondition } from "../eviction/pressure.ts";
import type { EdgedPorts } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import type { MachineFacts } from "./machine-facts.ts";
import { NodeImages } from "./node-images.ts";
import {
  type NodeFacts,
  nodeLabels,
  nodeObject,
  nodeStatus,
  nodeStatusEssence,
  nodeStatusPatch,
} from "./node-object.ts";

const RETRY = { initialMs: 500, maximumMs: 7000 };
const JITTER = 0.04;
/** A clock that is set by more than this is reported: the cloud can tell the operator. */
const CLOCK_SET_MS = 30_000;

/** What the reporter hears of others. */
export interface NodeReporterOptions {
  /** Why pods cannot run, from those who try; undefined when they can. */
  readonly runtimeFailure: () => string | undefined;
  /** What the node is short of. */
  readonly pressure: () => ReadonlySet<PressureCondition>;
  readonly devices: () => ReadonlyMap<string, DeviceCount>;
  /** The Node exists in the cloud now. */
  readonly onRegistered: () => void;
}

/** Registers this node and keeps its status in the cloud; offline it rests. */
export class NodeReporter implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #machine: MachineFacts;
  readonly #options: NodeReporterOptions;
  readonly #loop: SyncLoop;
  readonly #images: NodeImages;
  readonly #stopping = new AbortController();
  #registered = false;
  #forced = true;
  #conditions: readonly Condition[] = [];
  #sentEssence = "";
  /** Images are sent only where they are others: the list is long, and the cloud keeps it. */
  #sentImages = "";
  #sentAtMs = Number.NEGATIVE_INFINITY;
  /** Wall clock less monotonic clock when the status was last sent; it changes when the clock is set. */
  #sentClockOffsetMs = 0;

  constructor(ports: EdgedPorts, machine: MachineFacts, options: NodeReporterOptions) {
    this.#ports = ports;
    this.#machine = machine;
    this.#options = options;
    this.#images = new NodeImages(ports, ports.config.statusImagesLimit);
    this.#loop = new SyncLoop(ports, "Reporting the node's status", RETRY, () => this.#report());
  }

  /** Reports now whatever was sent before: the session is new, or the cloud seems to have forgotten the node. */
  reportNow(): void {
    this.#forced = true;
    this.#loop.wake();
  }

  /** Looks now whether there is something new to report. */
  check(): void {
    this.#loop.wake();
  }

  /** The Node was deleted in the cloud: it is registered again. */
  nodeDeleted(): void {
    if (!this.#registered) return;
    this.#ports.logger.info("The node was deleted in the cloud while it runs; it registers again");
    this.#registered = false;
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #report(): Promise<number | undefined> {
    const { cloudLink, config, clock, random } = this.#ports;
    if (cloudLink.state.kind !== "connected") return undefined;
    try {
      const facts = await this.#facts();
      if (!this.#registered) await this.#register(facts);
      const status = nodeStatus(facts);
      this.#conditions = status.conditions ?? [];
      const essence = nodeStatusEssence(status);
      const isDue = clock.monotonicMs() - this.#sentAtMs >= config.nodeStatusReportPeriodMs;
      const isClockSet = Math.abs(clock.now() - clock.monotonicMs() - this.#sentClockOffsetMs) > CLOCK_SET_MS;
      if (this.#forced || essence !== this.#sentEssence || isDue || isClockSet) await this.#send(status, essence);
    } catch (error) {
      if (isSkerryError(error, "LINK_DISCONNECTED")) return undefined;
      if (isApiError(error, "NotFound")) this.#registered = false;
      throw error;
    }
    return config.nodeStatusPeriodMs * (1 + JITTER * random.float());
  }

  async #send(status: NodeStatus, essence: string): Promise<void> {
    const { meta, config, clock } = this.#ports;
    const { images = [], ...others } = status;
    const imagesText = JSON.stringify(images);
    const content = nodeStatusPatch(this.#forced || imagesText !== this.#sentImages ? status : others);
    await meta.call(
      { operation: "patch", resource: `null/nodepatch/${config.nodeName}`, content },
      this.#stopping.signal,
    );
    this.#forced = false;
    this.#sentImages = imagesText;
    this.#sentEssence = essence;
    this.#sentAtMs = clock.monotonicMs();
    this.#sentClockOffsetMs = clock.now() - clock.monotonicMs();
  }

  /** Creates the Node, or takes over the one that is there with the labels of this configuration. */
  async #register(facts: NodeFacts): Promise<void> {
    const { meta, config, logger } = this.#ports;
    const resource = `null/node/${config.nodeName}`;
    const wanted = nodeObject(facts);
    try {
      const { apiVersion: _version, kind: _kind, ...content } = wanted;
      await meta.call(
        { operation: "insert", resource, content: content as unknown as JsonObject },
        this.#stopping.signal,
      );
      logger.info("The node is registered", { node: config.nodeName });
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
      await this.#reconcileLabels(facts, resource);
    }
    this.#registered = true;
    this.#forced = true;
    this.#options.onRegistered();
  }

  async #reconcileLabels(facts: NodeFacts, resource: string): Promise<void> {
    const { meta, config, logger } = this.#ports;
    const labels = nodeLabels(config, facts.host);
    let node: Node;
    try {
      node = await meta.fetch<Node>({ type: "node", namespace: "null", name: config.nodeName }, this.#stopping.signal);
    } catch (error) {
      logger.debug("The registered node could not be read; its labels stay as they are", {
        error: describeError(error),
      });
      return;
    }
    const same = Object.entries(labels).every(([name, value]) => node.metadata.labels?.[name] === value);
    if (same) return;
    const metadata = { ...node.metadata, labels: { ...node.metadata.labels, ...labels } };
    const content = { ...node, metadata } as unknown as JsonObject;
    await meta.call({ operation: "update", resource, content }, this.#stopping.signal);
  }

  async #facts(): Promise<NodeFacts> {
    const { config, host, clock, runtime } = this.#ports;
    const facts = await this.#machine.hostFacts();
    let notReady = this.#options.runtimeFailure();
    let version: NodeFacts["runtime"];
    let features: NodeFacts["features"];
    try {
      version = await this.#machine.runtimeVersion();
      features = await this.#machine.runtimeFeatures();
      const status = await runtime.status();
      if (!status.ready) notReady ??= `container runtime is not ready: ${status.message}`;
    } catch (error) {
      notReady ??= `container runtime is down: ${describeError(error)}`;
    }
    return {
      config,
      host: facts,
      diskBytes: (await host.pressure(config.rootDirectory)).diskTotalBytes,
      pressure: this.#options.pressure(),
      devices: this.#options.devices(),
      addresses: await this.#machine.addresses(),
      runtime: version,
      features,
      notReady,
      images: await this.#images.list(),
      byteBudget: this.#ports.cloudLink.byteBudget,
      before: this.#conditions,
      nowMs: clock.now(),
    };
  }
}

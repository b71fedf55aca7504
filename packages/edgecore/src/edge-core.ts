import {
  type Clock,
  describeError,
  disposable,
  isSkerryError,
  type Logger,
  type Metric,
  type Random,
  sleep,
} from "@skerry/base";
import type { GrpcTransport } from "@skerry/grpc";
import type { LinkDialer } from "@skerry/link";
import type { Database } from "@skerry/store";
import type { TunnelDialer } from "@skerry/streams";
import { type DeviceBus, DeviceTwin } from "./devicetwin/index.ts";
import { DmiServer } from "./dmi/index.ts";
import { Edged, type EdgedPorts, OwnPod } from "./edged/index.ts";
import { type CloudLink, EdgeHub, type EdgeHubOptions } from "./edgehub/index.ts";
import {
  EdgeStream,
  NodeMetrics,
  OfflineUsage,
  PodStreams,
  type PodStreamsPorts,
  UsageMeter,
  type UsageSource,
} from "./edgestream/index.ts";
import { CertificateRotation, type Enrolment } from "./enrolment/index.ts";
import { EventBus, type MqttConnector, RuleMessages } from "./eventbus/index.ts";
import { MetaManager, type MetaManagerOptions } from "./metamanager/index.ts";
import type { MetaServer, MetaServerPorts } from "./metaserver/index.ts";
import { NodeByteBudget } from "./node-byte-budget.ts";
import { ownMetrics } from "./own-metrics.ts";
import { RuleSources } from "./rules/index.ts";
import { ServiceBus, type ServiceBusPorts } from "./servicebus/index.ts";
import { ServiceEntry, type ServiceEntryPorts } from "./servicenetwork/index.ts";
import { type RunningTasks, TaskEntry, type TaskServices } from "./taskmanager/index.ts";
import { SampleRing, type SampleRingLimits, TelemetryUplink } from "./telemetry/index.ts";
import type { EdgeTraces } from "./tracing/edge-traces.ts";

/** What Edged needs besides what EdgeCore gives it. */
export type EdgedMachine = Pick<
  EdgedPorts,
  | ("runtime" | "fileSystem" | "mounts" | "host" | "usage" | "network" | "podGroups" | "seal")
  | ("config" | "manifests" | "devicePlugins" | "startsChanged")
>;

/** All that EdgeCore runs on; a module whose ports are left out does not run. */
export interface EdgeCorePorts {
  /** Opened with `edgeDatabaseMigrations`; its owner closes it after EdgeCore has stopped. */
  readonly database: Database;
  /** Without it the node never connects. */
  readonly link?: { readonly dialer: LinkDialer; readonly options: Omit<EdgeHubOptions, "nodeName"> };
  /** Gets and renews the certificate that the dialer uses. Without it there is one already. */
  readonly enrolment?: { readonly service: Enrolment; readonly rotate: boolean };
  readonly edged?: EdgedMachine;
  /** Where samples of devices are kept: a database opened with `telemetryMigrations`, which its owner closes. */
  readonly telemetry?: { readonly database: Database; readonly limits?: SampleRingLimits };
  readonly mqtt?: MqttConnector;
  /** Where mappers register; needs DeviceTwin. */
  readonly dmi?: { readonly transport: GrpcTransport; readonly socketPath: string };
  /** For the cloud's router and HTTP services of this node. */
  readonly serviceBus?: Pick<ServiceBusPorts, "client" | "server"> & { readonly timeoutMs: number };
  /** For Services that lead to pods of this node; needs `edged`. */
  readonly serviceNetwork?: Pick<ServiceEntryPorts, "load" | "removeLeftRules">;
  /** For jobs of the cloud. */
  readonly tasks?: { readonly enabled: boolean; readonly load: (services: TaskServices) => Promise<RunningTasks> };
  /** Makes the Kubernetes API for the node's applications; a function, so that its code is loaded only where it runs. */
  readonly metaServer?: (ports: Omit<MetaServerPorts, "listener">) => MetaServer;
  /** For kubectl logs, exec, …; needs `link` and `edged`. */
  readonly streams?: {
    readonly dialer: TunnelDialer;
    readonly servers: readonly string[];
    readonly machine: Pick<PodStreamsPorts, "files" | "streaming" | "loopback" | "ownLogFolder"> & {
      readonly usage?: UsageSource;
    };
  };
  /** Left out: nothing is traced. */
  readonly traces?: Pick<EdgeTraces, "link" | "handler">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EdgeCoreOptions {
  readonly nodeName: string;
  readonly metaManager?: MetaManagerOptions;
  /** @default true */
  readonly deviceTwin?: boolean;
  /** At most one report of a device to the cloud in this time. @default 1 s */
  readonly reportIntervalMs?: number;
}

/** How long what was reported last may take to reach the cloud before the machine goes down. */
const LAST_WORDS_MS = 3000;
const LAST_WORDS_POLL_MS = 50;

/**
 * One edge node: all its modules, wired. Everything starts from the database; the network is looked for afterwards and
 * never waited for. Stopping it leaves the containers running.
 */
export class EdgeCore implements AsyncDisposable {
  readonly edgeHub: EdgeHub;
  readonly metaManager: MetaManager;
  readonly edged: Edged | undefined;
  readonly eventBus: EventBus | undefined;
  readonly deviceTwin: DeviceTwin | undefined;
  readonly dmi: DmiServer | undefined;
  readonly edgeStream: EdgeStream | undefined;
  readonly metaServer: MetaServer | undefined;
  readonly #ownPod: OwnPod | undefined;
  readonly samples: SampleRing | undefined;
  readonly telemetryUplink: TelemetryUplink | undefined;
  readonly #ruleMessages: RuleMessages | undefined;
  readonly #serviceBus: ServiceBus | undefined;
  readonly #serviceEntry: ServiceEntry | undefined;
  readonly #tasks: TaskEntry | undefined;
  readonly #ports: EdgeCorePorts;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  #rotation: CertificateRotation | undefined;
  #stopListening: Disposable | undefined;
  readonly #measuring = new DisposableStack();
  readonly #byteBudget: NodeByteBudget;
  #connecting: Promise<void> = Promise.resolve();

  constructor(ports: EdgeCorePorts, options: EdgeCoreOptions) {
    this.#ports = ports;
    this.#logger = ports.logger;
    const { clock, random, logger, link } = ports;
    const shared = { clock, random, logger };
    this.edgeHub = new EdgeHub(
      { ...shared, dialer: link?.dialer ?? noDialer },
      {
        streams: ports.streams !== undefined && ports.edged !== undefined,
        ...(link?.options ?? { projectId: "", servers: [] }),
        nodeName: options.nodeName,
      },
    );
    const cloudLink = this.edgeHub;
    const { traces } = ports;
    this.metaManager = new MetaManager(
      { ...shared, database: ports.database, cloudLink: traces?.link(cloudLink) ?? cloudLink },
      options.metaManager,
    );
    const meta = this.metaManager;
    this.edgeHub.register("metamanager", traces?.handler(meta) ?? meta);
    this.#byteBudget = new NodeByteBudget(meta, this.edgeHub, options.nodeName, logger);
    this.#serviceEntry =
      ports.serviceNetwork && new ServiceEntry({ ...shared, ...ports.serviceNetwork, meta, cloudLink });
    this.edged = ports.edged && new Edged({ ...shared, ...ports.edged, meta, cloudLink, names: this.#serviceEntry });
    this.eventBus = ports.mqtt && new EventBus({ ...shared, mqtt: ports.mqtt, cloudLink });
    const { database } = ports;
    if (this.eventBus) {
      const topics = new RuleSources(database, "topic");
      this.#ruleMessages = new RuleMessages({ ...shared, eventBus: this.eventBus, topics, cloudLink });
      this.edgeHub.register("eventbus", this.#ruleMessages);
    }
    if (ports.serviceBus) {
      const { timeoutMs, ...http } = ports.serviceBus;
      const urls = new RuleSources(database, "url");
      this.#serviceBus = new ServiceBus({ ...shared, ...http, urls, cloudLink }, timeoutMs);
      this.edgeHub.register("servicebus", this.#serviceBus);
    }
    if (ports.tasks) {
      this.#tasks = new TaskEntry({ ...shared, ...ports.tasks, meta, cloudLink, nodeName: options.nodeName });
      this.edgeHub.register("taskmanager", this.#tasks);
    }
    const releaseHeld = this.edged?.releaseHeld.bind(this.edged);
    const { nodeName } = options;
    this.metaServer = ports.metaServer?.({ ...shared, database, meta, cloudLink, nodeName, releaseHeld });
    if (this.metaServer) this.edgeHub.register("metaserver", this.metaServer);
    this.edgeStream = edgeStream(ports, this, options.nodeName, this.#measuring);
    if (this.edgeStream) this.edgeHub.register("edgestream", this.edgeStream);
    if (this.edgeStream && ports.streams?.machine.ownLogFolder !== undefined)
      this.#ownPod = new OwnPod({ ...shared, meta, cloudLink }, options.nodeName);
    if (options.deviceTwin ?? true) {
      const bus = this.eventBus ?? noBus;
      const { telemetry } = ports;
      this.samples = telemetry && new SampleRing({ ...shared, database: telemetry.database }, telemetry.limits);
      this.telemetryUplink = this.samples && new TelemetryUplink({ ...shared, ring: this.samples, cloudLink });
      const samples = this.samples ? { samples: this.samples } : {};
      this.deviceTwin = new DeviceTwin({
        ...shared,
        nodeName: options.nodeName,
        meta,
        bus,
        cloudLink,
        ...samples,
        ...(options.reportIntervalMs === undefined ? {} : { reportIntervalMs: options.reportIntervalMs }),
      });
      const { deviceTwin } = this;
      meta.alsoWaiting(() => deviceTwin.waiting());
      this.edgeHub.register("devicetwin", this.deviceTwin);
      this.dmi = ports.dmi && new DmiServer({ ...shared, ...ports.dmi, meta, twin: this.deviceTwin });
    }
  }

  /** Starts all modules from what is stored, then looks for the cloud in the background. */
  async start(): Promise<void> {
    await this.metaManager.start();
    this.#byteBudget.start();
    await this.edged?.start();
    if (this.edged) this.#serviceEntry?.start(this.edged.forServices);
    await this.samples?.start();
    await this.deviceTwin?.start();
    await this.dmi?.start();
    this.#ruleMessages?.start();
    await this.eventBus?.start();
    this.#ownPod?.start();
    this.telemetryUplink?.start();
    await this.#serviceBus?.start();
    await this.#tasks?.start();
    await this.metaServer?.start();
    this.#connecting = this.#connect();
    // Whoever waits for `connecting` hears of it too; without anybody it is told here.
    this.#connecting.catch((error: unknown) => {
      if (this.#stopped.signal.aborted) return;
      this.#logger.error("The node cannot connect to the cloud; what runs here goes on", {
        error: describeError(error),
        advice: isSkerryError(error) ? error.advice : undefined,
      });
    });
  }

  /** Settles when the node has its certificate and begins to dial; rejects when the cloud has refused it one. */
  get connecting(): Promise<void> {
    return this.#connecting;
  }

  /**
   * The machine goes down: ends the pods in the times that the configuration gives them, and lets the cloud know if it is
   * there. EdgeCore is to be stopped afterwards; the next one starts the pods again.
   */
  async shutDown(): Promise<void> {
    await this.edged?.shutDown();
    const { clock } = this.#ports;
    const { metaManager, edgeHub } = this;
    const deadlineMs = clock.monotonicMs() + LAST_WORDS_MS;
    const isWaiting = (): boolean => metaManager.read((reader) => metaManager.outbox.keys(reader)).length > 0;
    while (edgeHub.state.kind === "connected" && isWaiting() && clock.monotonicMs() < deadlineMs)
      await sleep(clock, LAST_WORDS_POLL_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#connecting.catch(() => undefined);
    this.#stopListening?.[Symbol.dispose]();
    await this.#rotation?.[Symbol.asyncDispose]();
    await this.edgeStream?.[Symbol.asyncDispose]();
    this.#measuring.dispose();
    await this.#ownPod?.[Symbol.asyncDispose]();
    await this.#tasks?.[Symbol.asyncDispose]();
    await this.#serviceBus?.[Symbol.asyncDispose]();
    await this.metaServer?.[Symbol.asyncDispose]();
    await this.eventBus?.[Symbol.asyncDispose]();
    await this.dmi?.[Symbol.asyncDispose]();
    await this.deviceTwin?.[Symbol.asyncDispose]();
    await this.telemetryUplink?.[Symbol.asyncDispose]();
    await this.#serviceEntry?.[Symbol.asyncDispose]();
    await this.edged?.[Symbol.asyncDispose]();
    this.#byteBudget[Symbol.dispose]();
    await this.edgeHub[Symbol.asyncDispose]();
    await this.metaManager[Symbol.asyncDispose]();
  }

  async #connect(): Promise<void> {
    const { enrolment, link, clock, random, logger } = this.#ports;
    if (!link) return;
    if (enrolment) {
      await enrolment.service.ensure(this.#stopped.signal);
      const renewed = async (): Promise<void> => this.edged?.nodeKeyChanged();
      await renewed();
      if (enrolment.rotate) {
        this.#rotation = new CertificateRotation({ enrolment: enrolment.service, clock, random, logger, renewed });
        const rotation = this.#rotation;
        this.#stopListening = this.edgeHub.onState((state) => {
          if (state.kind === "connected") rotation.lookAtAuthorities(state.authorityHash);
        });
        await rotation.start();
      }
    }
    if (this.#stopped.signal.aborted) return;
    this.edgeStream?.start();
    await this.edgeHub.start();
  }
}

function edgeStream(
  ports: EdgeCorePorts,
  core: Pick<EdgeCore, "metaManager" | "edgeHub" | "edged" | "samples">,
  nodeName: string,
  stack: DisposableStack,
): EdgeStream | undefined {
  const { edged, streams, link, clock, random, logger } = ports;
  const { metaManager: meta, edgeHub: cloudLink } = core;
  if (!edged || !streams || !link) return undefined;
  const { runtime, config } = edged;
  const { usage, ...machine } = streams.machine;
  const own = (): Metric[] => ownMetrics(meta, cloudLink, core.samples, core.edged);
  const metrics = usage && nodeMetrics({ ports, cloudLink, nodeName, usage, own, stack });
  const podStreams = new PodStreams({
    ...machine,
    ...(metrics ? { metrics } : {}),
    meta,
    mirroredBy: (mirror) => core.edged?.mirroredBy(mirror),
    runtime,
    config,
    clock,
    logger,
  });
  const { dialer, servers } = streams;
  return new EdgeStream({ dialer, cloudLink, podStreams, clock, random, logger }, { servers, nodeName });
}

function nodeMetrics(options: {
  readonly ports: EdgeCorePorts;
  readonly cloudLink: CloudLink;
  readonly nodeName: string;
  readonly usage: UsageSource;
  readonly own: () => Metric[];
  readonly stack: DisposableStack;
}): NodeMetrics {
  const { ports, cloudLink, nodeName, usage, own, stack } = options;
  const { clock, logger } = ports;
  const meter = new UsageMeter(usage, clock);
  return new NodeMetrics({
    nodeName,
    meter,
    own,
    offline: stack.use(new OfflineUsage({ meter, cloudLink, clock, logger })),
  });
}

/** Stands in where the configuration switches EdgeHub off; it is never started. */
const noDialer: LinkDialer = { dial: () => Promise.reject(new Error("EdgeHub is switched off")) };

/** Stands in where the configuration switches EventBus off. */
const noBus: DeviceBus = {
  publish() {},
  isConnected: false,
  publishOnce: () => false,
  onDeviceMessage: () => disposable(() => {}),
  onConnected: () => disposable(() => {}),
};

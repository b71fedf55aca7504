import type { Clock, Logger } from "@skerry/base";
import { unknownNode } from "../errors.ts";
import { ensureRuntime } from "../noderuntime/choose-runtime.ts";
import type { NodeRuntime } from "../noderuntime/node-runtime.ts";
import { shippedFolder } from "../resources.ts";
import { type JoinedCloud, type Settings, saveSettings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { connectToCluster } from "./cluster/connect.ts";
import { createExamples } from "./cluster/create-examples.ts";
import { joinToken } from "./cluster/join-token.ts";
import { waitForNodeReady } from "./cluster/wait-for-node.ts";
import { writeCloudCoreConfig, writeEdgeCoreConfig, writeMosquittoConfig } from "./component-configs.ts";
import type { ControlRequest, SupervisorStatus } from "./control-channel.ts";
import { noteChildren } from "./home-lock.ts";
import { LinkRelay } from "./link-relay.ts";
import { setOtherCloudAside } from "./other-cloud.ts";
import { brokerPart, cloudCorePart, controlPlanePart, edgeCorePart, thermometerPart } from "./part-descriptions.ts";
import { checkPorts } from "./port-check.ts";
import { type StepListener, step } from "./steps.ts";
import { type PartDescription, SupervisedProcess } from "./supervised-process.ts";
import { waitForCertificate } from "./wait-for-certificate.ts";
import { wantedPorts } from "./wanted-ports.ts";

/** What the supervisor works with. */
export interface SupervisorOptions {
  readonly home: SkerryHome;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: StepListener;
}

/** The connections of one node's link: control, enrolment, pods' streams. */
interface NodeLink {
  readonly hub: LinkRelay;
  readonly https: LinkRelay;
  readonly tunnel: LinkRelay;
}

/** Runs all parts of Skerry on this machine, starts again what dies, and stops them in order. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #running: SupervisedProcess[] = [];
  readonly #links = new Map<string, NodeLink>();
  #runtime: NodeRuntime | undefined;
  #ready = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts everything in order; resolves when the node is ready. Throws the first coded error. */
  async start(): Promise<void> {
    const { settings } = this.#options;
    await checkPorts(wantedPorts(settings));
    const runtime = settings.node === undefined ? undefined : await this.#findRuntime(settings.node);
    if (settings.cloud === undefined) await this.#startCloudSide();
    if (settings.node !== undefined && runtime) {
      await this.#startContainersAndBroker(settings.node, runtime);
      if (settings.cloud === undefined) await this.#startNodeHere(settings.node, runtime);
      else await this.#startJoinedNode(settings.node, runtime, settings.cloud);
    }
    this.#ready = true;
  }

  get status(): SupervisorStatus {
    return {
      ready: this.#ready,
      processId: process.pid,
      parts: this.#running.map((part) => ({
        name: part.description.name,
        state: part.state,
        processId: part.processId,
        restarts: part.restarts,
      })),
      links: [...this.#links].map(([node, link]) => ({ node, ...link.hub.status })),
      ...(this.#options.settings.cloud === undefined
        ? { kubeconfig: this.#options.settings.kubeConfig ?? this.#options.home.kubeconfig }
        : {}),
    };
  }

  /** Answers what came over the control socket; `stop` is the caller's. */
  async handle(request: Exclude<ControlRequest, { command: "stop" }>): Promise<unknown> {
    switch (request.command) {
      case "status":
        return this.status;
      case "cut":
        for (const relay of this.#relaysOf(request.node)) relay.cut();
        this.#options.logger.info(`The link of ${request.node} is cut`);
        return this.status.links;
      case "restore":
        for (const relay of this.#relaysOf(request.node)) relay.restore();
        this.#options.logger.info(`The link of ${request.node} is restored`);
        return this.status.links;
    }
  }

  /** The machine goes down: pods have their own time to end. The supervisor is to be disposed of afterwards. */
  async shutDown(): Promise<void> {
    for (const part of this.#running.toReversed()) if (part.description.shutdown) await part.shutDown();
  }

  /** Stops the parts, the last started first, and leaves nothing on the machine. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#running.toReversed()) await part[Symbol.asyncDispose]();
    for (const link of this.#links.values()) {
      await link.hub[Symbol.asyncDispose]();
      await link.https[Symbol.asyncDispose]();
      await link.tunnel[Symbol.asyncDispose]();
    }
    await this.#runtime?.remove();
  }

  async #findRuntime(node: string): Promise<NodeRuntime> {
    const { home, settings, clock, tell, logger } = this.#options;
    this.#runtime = await step(
      clock,
      tell,
      "System parts",
      () =>
        ensureRuntime(home, settings, node, {
          onDownload: (packages) =>
            tell({ kind: "note", text: `downloading Debian packages ${packages.join(", ")} into ${home.parts}` }),
          onNoMosquitto: (reason) => {
            logger.warn("Mosquitto cannot be had; the node has the embedded broker", { reason: reason.message });
            tell({ kind: "note", text: "Mosquitto cannot be had here; the embedded MQTT broker takes its place" });
          },
          onNoSlirp: (reason) =>
            logger.warn("slirp4netns cannot be had; pods reach nothing outside", { reason: reason.message }),
        }),
      ({ parts }) =>
        parts.unpacked.length > 0 ? "unpacked in Skerry's folder, nothing installed" : "found on this machine",
    );
    return this.#runtime;
  }

  async #startCloudSide(): Promise<void> {
    const { home, settings } = this.#options;
    if (settings.kubeConfig === undefined)
      await this.#startPart(
        "Kubernetes API",
        controlPlanePart(home, settings),
        `https://${settings.apiAddress}:${settings.apiPort}`,
      );
    for (let number = 1; number <= settings.cloudCores; number++) {
      const config = writeCloudCoreConfig(home, settings, number);
      await this.#startPart(
        number === 1 ? "CloudCore" : `CloudCore ${number}`,
        cloudCorePart(home, config, number),
        `WebSocket ${settings.cloudHubPort}, HTTPS ${settings.cloudHttpsPort}`,
      );
    }
  }

  async #startContainersAndBroker(node: string, runtime: NodeRuntime): Promise<void> {
    const { home, settings, clock, tell } = this.#options;
    const { parts } = runtime;
    const nodeFolder = home.nodeFolder(node);
    await runtime.remove(); // What a crashed supervisor may have left.
    const prepared = await step(
      clock,
      tell,
      "Container check",
      () => runtime.prepare(settings.podSubnet === undefined ? {} : { podSubnet: settings.podSubnet }),
      ({ detail }) => detail,
    );
    await this.#startPart(runtime.kind === "containerd" ? "containerd" : "Process runtime", prepared.part);
    await step(
      clock,
      tell,
      "Images",
      () => runtime.importBuiltinImages(shippedFolder("examples/app")),
      (names) => names.join(", "),
    );
    const mosquitto = parts.mosquitto
      ? { program: parts.mosquitto, configFile: writeMosquittoConfig(nodeFolder, settings.mqttPort) }
      : undefined;
    await this.#startPart(
      "MQTT broker",
      brokerPart(home, settings, mosquitto, parts),
      `${mosquitto ? "" : "embedded, "}port ${settings.mqttPort}`,
    );
  }

  /** EdgeCore of a node whose cloud runs here too: with a cable that can be pulled, and the examples. */
  async #startNodeHere(node: string, runtime: NodeRuntime): Promise<void> {
    const { home, settings, clock, tell } = this.#options;
    using cluster = await connectToCluster(home);
    const link = await this.#startLink(node);
    const token = await joinToken(cluster, clock);
    const aside = await this.#startEdgeCore(node, runtime, { ...link, token });
    await step(
      clock,
      tell,
      `Node ${node}`,
      () => waitForNodeReady(cluster, clock, node),
      () => "Ready",
    );
    if (settings.examples && (!settings.examplesCreated || aside !== undefined)) {
      await step(
        clock,
        tell,
        "Examples",
        () => createExamples(cluster),
        (names) => names.join(", "),
      );
      saveSettings(home, { ...settings, examplesCreated: true });
    }
    if (settings.examples) await this.#startPart("Thermometer", thermometerPart(home, settings));
  }

  /** EdgeCore of a node whose cloud is on another machine. */
  async #startJoinedNode(node: string, runtime: NodeRuntime, cloud: JoinedCloud): Promise<void> {
    const { home, clock, tell } = this.#options;
    await this.#startEdgeCore(node, runtime, cloud);
    await step(
      clock,
      tell,
      `Node ${node}`,
      () => waitForCertificate(home, node, cloud, clock),
      () => `joined the cloud at ${cloud.cloudHub}`,
    );
  }

  /** Returns the folder in which what the node kept of another cloud is now, if it had joined one. */
  async #startEdgeCore(node: string, runtime: NodeRuntime, cloud: JoinedCloud): Promise<string | undefined> {
    const { home, settings, clock, tell } = this.#options;
    const nodeFolder = home.nodeFolder(node);
    const aside = setOtherCloudAside(nodeFolder, cloud.token, clock.now());
    if (aside !== undefined)
      tell({
        kind: "note",
        text: `the cloud is a new one: ${node} joins it; what it kept of the old one is in ${aside}`,
      });
    const config = writeEdgeCoreConfig(home, settings, node, runtime.socketPath, cloud);
    await this.#startPart("EdgeCore", edgeCorePart(home, node, config, runtime.parts));
    return aside;
  }

  async #startLink(node: string): Promise<Omit<JoinedCloud, "token">> {
    const { settings, logger } = this.#options;
    const route = { listenAddress: "127.0.0.1", listenPort: 0, targetAddress: "127.0.0.1" };
    const hub = new LinkRelay({ ...route, targetPort: settings.cloudHubPort }, logger);
    const https = new LinkRelay({ ...route, targetPort: settings.cloudHttpsPort }, logger);
    const tunnel = new LinkRelay({ ...route, targetPort: settings.tunnelPort }, logger);
    this.#links.set(node, { hub, https, tunnel });
    return {
      cloudHub: `127.0.0.1:${await hub.start()}`,
      cloudHttps: `127.0.0.1:${await https.start()}`,
      cloudTunnel: `127.0.0.1:${await tunnel.start()}`,
    };
  }

  async #startPart(title: string, description: PartDescription, detail?: string): Promise<void> {
    const { clock, logger, tell } = this.#options;
    const part = new SupervisedProcess(description, clock, logger, () => this.#noteChildren());
    this.#running.push(part);
    await step(
      clock,
      tell,
      title,
      () => part.start(),
      () => detail,
    );
  }

  #noteChildren(): void {
    const children = this.#running.flatMap((part): [string, number][] =>
      part.processId === undefined ? [] : [[part.description.name, part.processId]],
    );
    try {
      noteChildren(this.#options.home, new Map(children));
    } catch (error) {
      // A full disk must not end what runs; the note only helps to clean up after a crash of this process.
      this.#options.logger.warn("The processes could not be noted in the lock file", { reason: String(error) });
    }
  }

  #relaysOf(node: string): readonly LinkRelay[] {
    const link = this.#links.get(node);
    if (!link) throw unknownNode(node, [...this.#links.keys()]);
    return [link.hub, link.https, link.tunnel];
  }
}

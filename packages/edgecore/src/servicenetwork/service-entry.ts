import type { KubernetesObject, Service } from "@skerry/api";
import { type Clock, describeError, type Logger, type Random, type Timer } from "@skerry/base";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { ObjectChange } from "../metamanager/meta-store.ts";
import type { ServiceFacts, ServiceMachine, ServiceNetwork, ServiceNetworkPorts } from "./service-network.ts";

/** The node's kubelet, as far as Services go. */
export interface ServicePods extends Omit<ServiceFacts, "services" | "onServing"> {
  /** Pods came, went, or have other addresses or another state. */
  onPodsChanged(listener: () => void): Disposable;
  /** Where pods ask for names may have changed. */
  namesChanged(): void;
}

export interface ServiceEntryPorts {
  readonly meta: {
    list<T extends KubernetesObject>(type: string): T[];
    onChange(listener: (change: ObjectChange) => void): Disposable;
  };
  readonly cloudLink: Pick<CloudLink, "state" | "onState">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Takes rules away that an earlier EdgeCore has made, where there are some; never rejects. */
  readonly removeLeftRules: () => Promise<void>;
  /** Loads what serves Services: its memory is used only on nodes that have one. */
  readonly load: (ports: Omit<ServiceNetworkPorts, keyof ServiceMachine>) => Promise<ServiceNetwork>;
}

/** A node without Services may only have lost its database: rules are left until the cloud had this long to send them. */
const LEFT_RULES_GRACE_MS = 2 * 60_000;

/** Where Services come in, to be served from the first that the node has. */
export class ServiceEntry implements AsyncDisposable {
  readonly #ports: ServiceEntryPorts;
  readonly #logger: Logger;
  #pods: ServicePods | undefined;
  #serving: Promise<ServiceNetwork | undefined> | undefined;
  #graceTimer: Timer | undefined;
  #removing: Promise<void> | undefined;
  readonly #started = Promise.withResolvers<void>();
  readonly #listening = new DisposableStack();

  constructor(ports: ServiceEntryPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("servicenetwork");
  }

  /** Begins to serve what is stored. Only the pods' names wait until that is done: rules may take the kernel's tables long. */
  start(pods: ServicePods): void {
    this.#pods = pods;
    this.#listening.use(
      this.#ports.meta.onChange(({ key }) => {
        if (key.type === "service") this.#changed();
      }),
    );
    this.#listening.use(pods.onPodsChanged(() => void this.#serving?.then((network) => network?.changed())));
    if (this.#hasServices()) void this.#serve(pods);
    else this.#awaitGrace();
    this.#started.resolve();
  }

  /** The address of the name server for a pod with this address; undefined: it asks the machine's own. */
  async serverFor(podAddress: string): Promise<string | undefined> {
    await this.#started.promise;
    return (await this.#serving)?.serverFor(podAddress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    this.#graceTimer?.cancel();
    await this.#removing;
    this.#started.resolve();
    await (await this.#serving)?.[Symbol.asyncDispose]();
  }

  /** When the cloud was there long enough without a Service, nothing here stands for rules that are left. */
  #awaitGrace(): void {
    const { cloudLink, clock, removeLeftRules } = this.#ports;
    const look = (): void => {
      this.#graceTimer?.cancel();
      if (cloudLink.state.kind !== "connected" || this.#removing !== undefined) return;
      this.#graceTimer = clock.setTimer(LEFT_RULES_GRACE_MS, () => {
        if (!this.#serving) this.#removing = removeLeftRules();
      });
    };
    this.#listening.use(cloudLink.onState(look));
    look();
  }

  #changed(): void {
    const pods = this.#pods;
    if (!pods) return;
    if (this.#serving) void this.#serving.then((network) => network?.changed());
    else if (this.#hasServices()) void this.#serve(pods).then(() => pods.namesChanged());
  }

  /** The API server's own is on every node, and no node serves it. */
  #hasServices(): boolean {
    return this.#services().some(({ metadata }) => metadata.namespace !== "default" || metadata.name !== "kubernetes");
  }

  #services(): Service[] {
    return this.#ports.meta.list<Service>("service");
  }

  /** Never rejects: the node's pods run without it. */
  #serve(pods: ServicePods): Promise<ServiceNetwork | undefined> {
    const { load, clock, random } = this.#ports;
    const begin = async (): Promise<ServiceNetwork | undefined> => {
      try {
        await this.#removing;
        const network = await load({
          ...{ clock, random, logger: this.#ports.logger },
          services: () => this.#services(),
          pods: () => pods.pods(),
          hostServers: () => pods.hostServers(),
          notice: (pod, reason, message) => pods.notice(pod, reason, message),
          onServing: () => pods.namesChanged(),
          clusterDomain: pods.clusterDomain,
        });
        await network.start();
        return network;
      } catch (error) {
        this.#logger.error("Services are not served on this node", { error: describeError(error) });
        return undefined;
      }
    };
    this.#serving = begin();
    return this.#serving;
  }
}

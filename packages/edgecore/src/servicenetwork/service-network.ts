import type { Pod, Service } from "@skerry/api";
import { type Clock, describeError, type Logger, type Random, type Timer } from "@skerry/base";
import { familyOf, isLoopback } from "../edged/pod/ip-address.ts";
import type { DnsCodec } from "./dns-codec.ts";
import { DnsForwarder } from "./dns-forwarder.ts";
import type { DnsNetwork, HostAddresses } from "./dns-ports.ts";
import { type LocalPod, type LocalService, localServices, MAX_SERVICES } from "./local-services.ts";
import { NameServer } from "./name-server.ts";
import { NameServerPlaces } from "./name-server-places.ts";
import type { PacketFilter } from "./packet-filter.ts";
import type { NameServerPlace } from "./packet-rules.ts";
import { ServiceZone } from "./service-zone.ts";

/** What the node knows when it serves Services. */
export interface ServiceFacts {
  readonly services: () => readonly Service[];
  readonly pods: () => readonly LocalPod[];
  /** The machine's own name servers, as they are now. */
  readonly hostServers: () => Promise<readonly string[]>;
  /** Tells the user about a pod. */
  readonly notice: (pod: Pod, reason: string, message: string) => void;
  /** Whether names are answered has changed: pods are to look again where they ask. */
  readonly onServing: () => void;
  readonly clusterDomain: string;
}

/** The machine's part of it. */
export interface ServiceMachine {
  readonly packetFilter: PacketFilter;
  /** Asked only where pods have IPv6. */
  readonly ipv6Filter: PacketFilter;
  readonly dnsNetwork: DnsNetwork;
  readonly codec: DnsCodec;
  readonly addresses: HostAddresses;
}

export interface ServiceNetworkPorts extends ServiceFacts, ServiceMachine {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Changes within this time become rules together. */
const SETTLE_MS = 50;
/** Others may throw the rules away (a firewall that is loaded anew): they are made again this often. */
const RENEW_MS = 60_000;
const RETRY_MS = 5_000;
/** Pods and Services that were told of; the oldest is forgotten first. */
const MOST_TOLD = 1_000;
/** Pods that are started at once, at most; the oldest is forgotten first. */
const MOST_EXPECTED = 500;

/**
 * Services as the pods of this node see them: their names by a name server of the node's own, their addresses by rules
 * in the kernel, both from the Services and pods that the node knows. So they work whether the cloud is there or not; the
 * rules stay when EdgeCore stops.
 */
export class ServiceNetwork implements AsyncDisposable {
  readonly #ports: ServiceNetworkPorts;
  readonly #logger: Logger;
  readonly #forwarder: DnsForwarder;
  #turnedAwayTold = 0;
  readonly #places: NameServerPlaces;
  readonly #told = new Set<string>();
  #zone: ServiceZone;
  #services: readonly LocalService[] = [];
  #podsByAddress: ReadonlyMap<string, Pod> = new Map();
  /** Addresses of pods that are being started. */
  readonly #expected = new Set<string>();
  /** Addresses at which rules lead questions to the name server. */
  #led: ReadonlySet<string> = new Set();
  #leavesOut = false;
  #timer: Timer | undefined;
  #applying: Promise<void> | undefined;
  #isChanged = false;
  #renewAtMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  /** Whether IPv6 addresses of Services lead anywhere. */
  #ipv6: "unused" | "led" | "failed" = "unused";
  #stopped = false;

  constructor(ports: ServiceNetworkPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("servicenetwork");
    this.#zone = new ServiceZone(ports.clusterDomain, []);
    this.#forwarder = new DnsForwarder({ ...ports, network: ports.dnsNetwork });
    const nameServer = new NameServer({
      codec: ports.codec,
      random: ports.random,
      forwarder: this.#forwarder,
      zone: () => this.#zone,
      isPod: (address) => this.#podsByAddress.has(address) || this.#expected.has(address),
      onAsked: (address, service) => this.#asked(address, service),
    });
    this.#places = new NameServerPlaces({ ...ports, logger: this.#logger }, nameServer);
  }

  /** Serves what there is now; resolves when the rules were made, or could not be made and are tried again. */
  async start(): Promise<void> {
    this.#take();
    // One after the other: most have the same place to ask.
    for (const { pod, status } of this.#ports.pods()) {
      const address = pod.spec.hostNetwork === true ? undefined : status.podIPs?.[0]?.ip;
      if (address !== undefined && !isLoopback(address)) await this.#places.openFor(address);
    }
    await this.#apply();
  }

  /** Services or pods have changed. */
  changed(): void {
    this.#isChanged = true;
    if (this.#applying === undefined && !this.#stopped) this.#schedule(SETTLE_MS);
  }

  /** The address at which a pod with this address asks for names; undefined while it cannot be served. */
  async serverFor(podAddress: string): Promise<string | undefined> {
    // The process runtime's pods do not reach the machine's addresses.
    if (isLoopback(podAddress)) return undefined;
    // Its first question may come before it is known to run.
    this.#expected.add(podAddress);
    const [oldest] = this.#expected;
    if (this.#expected.size > MOST_EXPECTED && oldest !== undefined) this.#expected.delete(oldest);
    const address = await this.#places.openFor(podAddress);
    if (address === undefined || this.#hasFailed) return undefined;
    if (!this.#led.has(address)) await this.#apply();
    return this.#led.has(address) ? address : undefined;
  }

  /** Nobody answers names any more; the rules stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#applying;
    await this.#places[Symbol.asyncDispose]();
  }

  #take(): void {
    const { services, pods, clusterDomain } = this.#ports;
    const known = services();
    const local = pods();
    const leavesOut = known.length > MAX_SERVICES;
    if (leavesOut && !this.#leavesOut)
      this.#logger.warn("The node knows more Services than it serves; the last by name are left out", {
        services: known.length,
        served: MAX_SERVICES,
      });
    this.#leavesOut = leavesOut;
    this.#services = localServices(known, local, clusterDomain);
    this.#takeZone();
    this.#podsByAddress = new Map(
      local.flatMap(({ pod, status }) =>
        // On the host's network a pod cannot be told from the machine.
        pod.spec.hostNetwork === true ? [] : (status.podIPs ?? []).map(({ ip }): [string, Pod] => [ip, pod]),
      ),
    );
    for (const address of this.#podsByAddress.keys()) this.#expected.delete(address);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.setTimer(delayMs, () => void this.#apply());
  }

  /** One at a time; what changes meanwhile is made next. Never rejects. */
  async #apply(): Promise<void> {
    if (this.#applying !== undefined) {
      this.#isChanged = true;
      return this.#applying;
    }
    this.#applying = this.#makeRules().finally(() => {
      this.#applying = undefined;
      if (!this.#stopped) this.#schedule(this.#hasFailed ? RETRY_MS : this.#isChanged ? SETTLE_MS : RENEW_MS);
    });
    return this.#applying;
  }

  async #makeRules(): Promise<void> {
    const { packetFilter, clock } = this.#ports;
    do {
      this.#isChanged = false;
      this.#take();
      try {
        const nowMs = clock.monotonicMs();
        const renewal = nowMs >= this.#renewAtMs;
        const places = await this.#places.list();
        await packetFilter.apply(this.#services, places, renewal);
        await this.#makeIpv6Rules(places, renewal);
        this.#led = new Set(
          places.map(({ address }) => address).filter((each) => this.#ipv6 === "led" || familyOf(each) === "IPv4"),
        );
        if (renewal) {
          this.#renewAtMs = nowMs + RENEW_MS;
          this.#tellTurnedAway();
        }
        if (this.#hasFailed) this.#logger.info("The rules for Services could be made again");
        this.#setFailed(false);
      } catch (error) {
        if (!this.#hasFailed)
          this.#logger.error("Pods cannot reach Services by their addresses; it is tried again", {
            error: describeError(error),
          });
        this.#led = new Set();
        this.#setFailed(true);
      }
    } while (this.#isChanged && !this.#hasFailed && !this.#stopped);
  }

  /** Pods without IPv6 need none, and what fails of it leaves IPv4 as it is. Never rejects. */
  async #makeIpv6Rules(places: readonly NameServerPlace[], renewal: boolean): Promise<void> {
    if (this.#ipv6 === "unused" && !this.#wantsIpv6(places)) return;
    const before = this.#ipv6;
    try {
      await this.#ports.ipv6Filter.apply(this.#services, places, renewal || before !== "led");
      this.#ipv6 = "led";
    } catch (error) {
      if (before !== "failed")
        this.#logger.error("Pods cannot reach Services by their IPv6 addresses; names lead to IPv4 alone", {
          error: describeError(error),
        });
      this.#ipv6 = "failed";
    }
    if (this.#ipv6 !== before) this.#takeZone();
  }

  #wantsIpv6(places: readonly NameServerPlace[]): boolean {
    const isIpv6 = (address: string): boolean => familyOf(address) === "IPv6" && !isLoopback(address);
    const leads = this.#services.some((service) => service.kind === "cluster" && service.addresses.some(isIpv6));
    return [...this.#podsByAddress.keys()].some(isIpv6) && (leads || places.some(({ address }) => isIpv6(address)));
  }

  #takeZone(): void {
    const served = this.#ipv6 === "led" ? this.#services : this.#services.map(withoutIpv6);
    this.#zone = new ServiceZone(this.#ports.clusterDomain, served);
  }

  #tellTurnedAway(): void {
    const { turnedAwayCount } = this.#forwarder;
    if (turnedAwayCount > this.#turnedAwayTold)
      this.#logger.warn(
        "Pods ask for more names at once than the machine's name servers answer; some questions failed",
        {
          failed: turnedAwayCount - this.#turnedAwayTold,
        },
      );
    this.#turnedAwayTold = turnedAwayCount;
  }

  #setFailed(hasFailed: boolean): void {
    if (this.#hasFailed === hasFailed) return;
    this.#hasFailed = hasFailed;
    this.#ports.onServing();
  }

  /** A pod wants a Service that it cannot reach: the user is told once, until that changes. */
  #asked(address: string, service: LocalService): void {
    if (service.kind === "external") return;
    const pod = this.#podsByAddress.get(address);
    const key = `${pod?.metadata.uid} ${service.namespace}/${service.name}`;
    if (service.endpoints.length > 0) {
      this.#told.delete(key);
      return;
    }
    if (!pod || this.#told.has(key)) return;
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > MOST_TOLD && oldest !== undefined) this.#told.delete(oldest);
    this.#ports.notice(
      pod,
      "ServiceHasNoLocalEndpoints",
      `The Service ${service.namespace}/${service.name} has no ready pod on this node; pods here reach a Service only by its pods on the same node`,
    );
  }
}

/** As pods see it where its IPv6 addresses lead nowhere. */
function withoutIpv6(service: LocalService): LocalService {
  if (service.kind !== "cluster") return service;
  return { ...service, addresses: service.addresses.filter((address) => familyOf(address) === "IPv4") };
}

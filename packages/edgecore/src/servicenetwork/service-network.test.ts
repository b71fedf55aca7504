import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { decode, encode } from "dns-packet";
import type { DnsHandler } from "./dns-ports.ts";
import type { LocalPod } from "./local-services.ts";
import { packetRules } from "./packet-rules.ts";
import { dnsPacketCodec } from "./platform/dns-packet-codec.ts";
import { ServiceNetwork } from "./service-network.ts";
import { localPod, service } from "./testing/service-objects.ts";

const web: Service["spec"] = { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ port: 80 }] };
const chains = { services: "SVC", masquerade: "MASQ", filter: "FLT" };

/** The machine's addresses in the networks of pods. */
const GATEWAYS: ReadonlyMap<string, string> = new Map([
  ["10.244.1", "10.244.1.1"],
  ["10.244.2", "10.244.2.1"],
]);

/** Services over a kernel and sockets that are the test's. */
class NetworkWorld implements AsyncDisposable {
  readonly clock = new ManualClock();
  services: Service[] = [service("web", web)];
  pods: LocalPod[] = [localPod("web-1", "10.244.1.2"), localPod("client-1", "10.244.1.9")];
  readonly applied: string[] = [];
  readonly renewals: boolean[] = [];
  readonly notices: string[] = [];
  servingChanges = 0;
  isKernelBroken = false;
  isIpv6Broken = false;
  readonly applied6: string[] = [];
  readonly handlers = new Map<string, DnsHandler>();
  readonly network: ServiceNetwork;

  constructor() {
    this.network = new ServiceNetwork({
      clock: this.clock,
      random: new SeededRandom(),
      logger: silentLogger,
      clusterDomain: "cluster.local",
      services: () => this.services,
      pods: () => this.pods,
      hostServers: async () => [],
      notice: (pod, reason) => this.notices.push(`${pod.metadata.name} ${reason}`),
      onServing: () => this.servingChanges++,
      codec: dnsPacketCodec,
      addresses: {
        besides: (podAddress) => {
          const address = GATEWAYS.get(podAddress.replace(/\.\d+$/, ""));
          return address === undefined ? undefined : { address, prefixLength: 24 };
        },
      },
      packetFilter: {
        apply: async (services, nameServers, renewal) => {
          if (this.isKernelBroken) throw new Error("no iptables");
          this.applied.push(packetRules(services, nameServers, chains, "IPv4"));
          this.renewals.push(renewal);
        },
      },
      ipv6Filter: {
        apply: async (services, nameServers) => {
          if (this.isIpv6Broken) throw new Error("no ip6tables");
          this.applied6.push(packetRules(services, nameServers, chains, "IPv6"));
        },
      },
      dnsNetwork: {
        listen: async (address, handler) => {
          this.handlers.set(address, handler);
          return {
            port: 40_000 + this.handlers.size,
            [Symbol.asyncDispose]: async () => void this.handlers.delete(address),
          };
        },
        ask: () => Promise.reject(new Error("offline")),
      },
    });
  }

  get rules(): string {
    return this.applied.at(-1) ?? "";
  }

  async changed(): Promise<void> {
    this.network.changed();
    await this.clock.advance(50);
    await settle();
  }

  async ask(name: string, from = "10.244.1.9", type: "A" | "AAAA" = "A"): Promise<Uint8Array | undefined> {
    const query = encode({ type: "query", id: 1, questions: [{ name, type, class: "IN" }] });
    return this.handlers.get("10.244.1.1")?.answer(query, from, "udp");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.network[Symbol.asyncDispose]();
  }
}

test("the rules are there when the start is over, and follow the pods", async () => {
  await using world = new NetworkWorld();
  await world.network.start();
  assert.match(world.rules, /--to-destination 10\.244\.1\.2:80\n/);
  assert.match(
    world.rules,
    /-d 10\.244\.1\.1\/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10\.244\.1\.1:40001\n/,
  );
  world.pods = [localPod("web-2", "10.244.1.3")];
  await world.changed();
  assert.match(world.rules, /--to-destination 10\.244\.1\.3:80\n/);
  assert.doesNotMatch(world.rules, /10\.244\.1\.2/);
  world.pods = [];
  await world.changed();
  assert.match(world.rules, /-d 10\.96\.3\.4\/32 .* -j REJECT\n/);
});

test("changes that come together are one set of rules, and unchanged ones are renewed each minute", async () => {
  await using world = new NetworkWorld();
  await world.network.start();
  for (let count = 0; count < 100; count++) world.network.changed();
  await world.clock.advance(50);
  await settle();
  assert.deepEqual(world.renewals, [true, false]);
  await world.clock.advance(60_000);
  await settle();
  assert.deepEqual(world.renewals, [true, false, true]);
});

test("while the kernel takes no rules, pods ask the machine's servers; they are told when that changes", async () => {
  await using world = new NetworkWorld();
  world.isKernelBroken = true;
  await world.network.start();
  assert.equal(await world.network.serverFor("10.244.1.9"), undefined);
  assert.equal(world.servingChanges, 1);
  world.isKernelBroken = false;
  await world.clock.advance(5_000);
  await settle();
  assert.equal(world.servingChanges, 2);
  assert.equal(await world.network.serverFor("10.244.1.9"), "10.244.1.1");
});

test("a pod asks at the machine's address in its network, if there is one", async () => {
  await using world = new NetworkWorld();
  await world.network.start();
  assert.equal(await world.network.serverFor("10.244.1.20"), "10.244.1.1");
  assert.equal(await world.network.serverFor("10.244.2.20"), "10.244.2.1");
  assert.match(world.rules, /-d 10\.244\.2\.1\/32 -p udp/, "a new place has its rule before it is told");
  for (const other of ["10.9.9.9", "127.64.0.1"]) assert.equal(await world.network.serverFor(other), undefined, other);
});

test("a pod's first question is answered although its address is not reported yet", async () => {
  await using world = new NetworkWorld();
  await world.network.start();
  assert.equal(await world.ask("web.plant.svc.cluster.local", "10.244.1.77"), undefined);
  await world.network.serverFor("10.244.1.77");
  assert.ok(await world.ask("web.plant.svc.cluster.local", "10.244.1.77"));
});

test("who asks for a Service without a pod here is told once, and again after there was one", async () => {
  await using world = new NetworkWorld();
  world.services.push(service("kubernetes", { clusterIP: "10.96.0.1", ports: [{ port: 443 }] }));
  const [, client] = world.pods;
  assert.ok(client);
  world.pods = [client];
  await world.network.start();
  for (let count = 0; count < 3; count++) await world.ask("web.plant.svc.cluster.local");
  assert.deepEqual(world.notices, ["client-1 ServiceHasNoLocalEndpoints"]);
  world.pods = [client, localPod("web-1", "10.244.1.2")];
  await world.changed();
  await world.ask("web.plant.svc.cluster.local");
  world.pods = [client];
  await world.changed();
  await world.ask("web.plant.svc.cluster.local");
  assert.equal(world.notices.length, 2);
});

/** Services and pods of both families. */
class DualWorld extends NetworkWorld {
  constructor() {
    super();
    const [ofWeb, client] = this.pods;
    assert.ok(ofWeb && client);
    this.services = [
      service("web", { ...web, clusterIPs: ["10.96.3.4", "fd00:10:96::4"], ipFamilies: ["IPv4", "IPv6"] }),
    ];
    ofWeb.status.podIPs?.push({ ip: "fd00:7::2" });
  }

  async namesOf(type: "A" | "AAAA"): Promise<unknown[]> {
    const answer = await this.ask("web.plant.svc.cluster.local", "10.244.1.9", type);
    return decode(Buffer.from(answer ?? [])).answers?.map((each) => ("data" in each ? each.data : undefined)) ?? [];
  }
}

test("where pods have IPv6, a Service's address of it leads to them, and its name to both addresses", async () => {
  await using world = new DualWorld();
  await world.network.start();
  assert.match(world.applied6.at(-1) ?? "", /-d fd00:10:96::4\/128 .* --to-destination \[fd00:7::2\]:80\n/);
  assert.match(world.rules, /-d 10\.96\.3\.4\/32 .* --to-destination 10\.244\.1\.2:80\n/);
  assert.deepEqual([await world.namesOf("A"), await world.namesOf("AAAA")], [["10.96.3.4"], ["fd00:10:96::4"]]);
  assert.deepEqual([...world.handlers.keys()], ["10.244.1.1"], "pods ask at their first address's network");
});

test("where pods have no IPv6 nothing is made for it, and names lead to IPv4 alone", async () => {
  await using world = new DualWorld();
  world.pods = [localPod("web-1", "10.244.1.2"), localPod("client-1", "10.244.1.9")];
  await world.network.start();
  assert.deepEqual(world.applied6, []);
  assert.deepEqual([await world.namesOf("A"), await world.namesOf("AAAA")], [["10.96.3.4"], []]);
});

test("where the kernel takes no rules of IPv6, those of IPv4 are made all the same, and names lead to IPv4 until it does", async () => {
  await using world = new DualWorld();
  world.isIpv6Broken = true;
  await world.network.start();
  assert.match(world.rules, /--to-destination 10\.244\.1\.2:80\n/);
  assert.deepEqual([await world.namesOf("A"), await world.namesOf("AAAA")], [["10.96.3.4"], []]);
  assert.equal(await world.network.serverFor("10.244.1.9"), "10.244.1.1");
  world.isIpv6Broken = false;
  await world.clock.advance(60_000);
  await settle();
  assert.deepEqual(await world.namesOf("AAAA"), ["fd00:10:96::4"]);
});

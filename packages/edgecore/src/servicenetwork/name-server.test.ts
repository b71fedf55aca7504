import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import { DnsForwarder } from "./dns-forwarder.ts";
import type { DnsTransport } from "./dns-ports.ts";
import { type LocalService, localServices } from "./local-services.ts";
import { NameServer } from "./name-server.ts";
import { dnsPacketCodec } from "./platform/dns-packet-codec.ts";
import { ServiceZone } from "./service-zone.ts";
import { localPod, service } from "./testing/service-objects.ts";

const POD = "10.244.1.9";

/** A name server whose upstream servers are the test's. */
class NameServerWorld {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly wanted: LocalService[] = [];
  /** Answers of the machine's servers; a missing one does not answer. */
  readonly upstream = new Map<string, (query: Packet) => Answer[]>();
  hold: Promise<void> = Promise.resolve();
  /** Names whose answers come when these settle. */
  readonly slow = new Map<string, Promise<void>>();
  refusesConnections = false;
  readonly forwarder: DnsForwarder;
  readonly #server: NameServer;

  constructor(endpoints = [localPod("web-1", "10.244.1.2")]) {
    const random = new SeededRandom();
    const services = [
      service("web", { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ port: 80 }] }),
      service("many", { clusterIP: "None", selector: { app: "many" }, ports: [{ port: 80 }] }),
      service("far", { type: "ExternalName", externalName: "far.example" }),
    ];
    const many = Array.from({ length: 60 }, (_, index) => localPod("many-1", `10.244.2.${index}`));
    const zone = new ServiceZone("cluster.local", localServices(services, [...endpoints, ...many], "cluster.local"));
    this.forwarder = new DnsForwarder({
      clock: this.clock,
      random,
      hostServers: async () => ["192.0.2.1", "192.0.2.2"],
      network: {
        ask: async (server, message, transport) => {
          if (transport === "tcp" && this.refusesConnections) throw new Error("no connections");
          this.asked.push(server);
          await this.hold;
          await this.slow.get(decode(Buffer.from(message)).questions?.[0]?.name ?? "");
          const answers = this.upstream.get(server);
          if (!answers) throw new Error("no answer");
          const query = decode(Buffer.from(message));
          return encode({
            type: "response",
            flags: 0x80,
            id: query.id ?? 0,
            questions: query.questions,
            answers: answers(query),
          });
        },
      },
    });
    this.#server = new NameServer({
      codec: dnsPacketCodec,
      forwarder: this.forwarder,
      random,
      zone: () => zone,
      isPod: (address) => address === POD,
      onAsked: (_address, found) => this.wanted.push(found),
    });
  }

  answer(message: Uint8Array, from = POD, transport: DnsTransport = "udp"): Promise<Uint8Array | undefined> {
    return this.#server.answer(message, from, transport);
  }

  async ask(name: string, type: "A" | "AAAA" | "SRV" = "A", transport: DnsTransport = "udp"): Promise<Answered> {
    const answer = await this.answer(query(name, type), POD, transport);
    assert.ok(answer, `${name} gets no answer`);
    const packet = decode(Buffer.from(answer)) as ReturnType<typeof decode> & { rcode: string };
    assert.deepEqual([packet.id, packet.flag_ra, packet.questions?.[0]?.name], [4711, true, name]);
    const data = (packet.answers ?? []).map((record) => ("data" in record ? String(record.data) : ""));
    return { code: packet.rcode, data, isTruncated: packet.flag_tc };
  }
}

interface Answered {
  readonly code: string;
  readonly data: string[];
  readonly isTruncated: boolean;
}

function query(name: string, type: "A" | "AAAA" | "SRV" = "A"): Buffer {
  return encode({ type: "query", id: 4711, flags: 0x100, questions: [{ name, type, class: "IN" }] });
}

const found = (...data: string[]): Answered => ({ code: "NOERROR", data, isTruncated: false });

test("Services are answered here, whether or not anybody else can be asked", async () => {
  const world = new NameServerWorld();
  assert.deepEqual(await world.ask("web.plant.svc.cluster.local"), found("10.96.3.4"));
  assert.deepEqual(await world.ask("web.plant.svc.cluster.local", "AAAA"), found());
  assert.equal((await world.ask("no.plant.svc.cluster.local")).code, "NXDOMAIN");
  assert.deepEqual(world.asked, []);
  assert.deepEqual(
    world.wanted.map(({ name }) => name),
    ["web", "web"],
  );
});

test("other names are asked of the machine's servers, the next one where one does not answer", async () => {
  const world = new NameServerWorld();
  world.upstream.set("192.0.2.2", () => [{ type: "A", name: "x.example", data: "198.51.100.7" }]);
  assert.deepEqual(await world.ask("x.example"), found("198.51.100.7"));
  assert.deepEqual(await world.ask("x.example"), found("198.51.100.7"));
  assert.deepEqual(world.asked, ["192.0.2.1", "192.0.2.2", "192.0.2.2"], "one that was away is not waited for again");
  await world.clock.advance(5_000);
  await world.ask("x.example");
  assert.deepEqual(world.asked.slice(3), ["192.0.2.1", "192.0.2.2"]);
});

test("a slow name takes no other name with it: a server that answers meanwhile is not away", async () => {
  const world = new NameServerWorld();
  for (const server of ["192.0.2.1", "192.0.2.2"]) world.upstream.set(server, () => []);
  const late = Promise.withResolvers<void>();
  world.slow.set("slow.example", late.promise);
  const slow = world.ask("slow.example");
  await world.clock.advance(1_000);
  await world.ask("x.example");
  await world.clock.advance(1_000);
  late.reject(new Error("no answer in time"));
  assert.equal((await slow).code, "SERVFAIL");
  world.asked.length = 0;
  await world.ask("y.example");
  assert.deepEqual(world.asked, ["192.0.2.1"]);
});

test("a server that answered lately is away after the second question in a row without an answer", async () => {
  const world = new NameServerWorld();
  world.upstream.set("192.0.2.1", () => []);
  await world.ask("x.example");
  world.upstream.clear();
  await world.clock.advance(1_000);
  // A name's two kinds of addresses are asked for together.
  const late = Promise.withResolvers<void>();
  world.hold = late.promise;
  const both = [world.ask("y.example", "A"), world.ask("y.example", "AAAA")];
  await world.clock.advance(2_000);
  late.resolve();
  await Promise.all(both);
  const timesAsked = (): number => world.asked.splice(0).filter((server) => server === "192.0.2.1").length;
  assert.equal(timesAsked(), 3);
  await world.ask("y.example");
  assert.equal(timesAsked(), 1, "it may have been the name");
  await world.ask("y.example");
  assert.equal(timesAsked(), 0, "it is away");
});

test("a server that takes no connections is still asked by datagrams", async () => {
  const world = new NameServerWorld();
  world.upstream.set("192.0.2.1", () => [{ type: "A", name: "x.example", data: "198.51.100.7" }]);
  world.refusesConnections = true;
  assert.equal((await world.ask("x.example", "A", "tcp")).code, "SERVFAIL");
  assert.deepEqual(await world.ask("x.example"), found("198.51.100.7"));
});

test("an offline node says at once that it does not know", async () => {
  const world = new NameServerWorld();
  assert.equal((await world.ask("x.example")).code, "SERVFAIL");
  assert.equal((await world.ask("y.example")).code, "SERVFAIL");
  assert.deepEqual(world.asked, ["192.0.2.1", "192.0.2.2"]);
});

test("a Service elsewhere is answered as another name, with that one's addresses", async () => {
  const world = new NameServerWorld();
  world.upstream.set("192.0.2.1", ({ questions = [] }) => {
    assert.equal(questions[0]?.name, "far.example");
    return [{ type: "A", name: "far.example", data: "198.51.100.9" }];
  });
  assert.deepEqual(await world.ask("far.plant.svc.cluster.local"), found("far.example", "198.51.100.9"));
});

test("an answer that is too long for a datagram is asked for again by connection", async () => {
  const world = new NameServerWorld();
  assert.deepEqual(await world.ask("many.plant.svc.cluster.local"), { code: "NOERROR", data: [], isTruncated: true });
  assert.equal((await world.ask("many.plant.svc.cluster.local", "A", "tcp")).data.length, 60);
});

test("who is no pod of this node gets no answer, nor does what is no question", async () => {
  const world = new NameServerWorld();
  assert.equal(await world.answer(query("web.plant.svc.cluster.local"), "198.51.100.1"), undefined);
  assert.equal(await world.answer(encode({ type: "response", id: 1 })), undefined);
  assert.equal(await world.answer(new Uint8Array(5000)), undefined);
  const none = await world.answer(encode({ type: "query", id: 9 }));
  assert.equal((decode(Buffer.from(none ?? [])) as { rcode?: string }).rcode, "FORMERR");
});

test("more questions than can be on their way fail at once, and are counted", async () => {
  const world = new NameServerWorld();
  const held = Promise.withResolvers<void>();
  world.hold = held.promise;
  const waiting = Array.from({ length: 256 }, () => world.ask("x.example"));
  assert.equal((await world.ask("one.more.example")).code, "SERVFAIL");
  assert.equal(world.forwarder.turnedAwayCount, 1);
  held.resolve();
  assert.equal((await Promise.all(waiting)).length, 256);
});

test("no bytes make the name server throw, and what it answers can be read", async () => {
  const world = new NameServerWorld();
  const valid = query("web.plant.svc.cluster.local");
  const damaged = fc
    .tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(valid.length))
    .map(([at, value, length]) => {
      const bytes = Uint8Array.from(valid);
      bytes[at] = value;
      return bytes.subarray(0, length);
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 600 })), async (bytes) => {
      const answer = await world.answer(bytes);
      if (answer) assert.equal(decode(Buffer.from(answer)).type, "response");
    }),
    { numRuns: 1_000 },
  );
});

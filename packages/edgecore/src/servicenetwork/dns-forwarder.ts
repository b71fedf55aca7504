import type { Clock, Random } from "@skerry/base";
import type { DnsNetwork, DnsTransport } from "./dns-ports.ts";

/** Questions on their way to other name servers at once; further ones fail at once. */
const MOST_AT_ONCE = 256;
/** How long one server is waited for; a pod's own resolver gives up after 5 s. */
const ANSWER_MS = 2_000;
/** So long a server that did not answer is not asked, so that an offline node says quickly that it does not know. */
const AWAY_MS = 5_000;
/** A server that answered so lately is asked once more before it counts as away: one name may be slow, not the server. */
const LATELY_MS = 30_000;
/** So long the list of the machine's servers is believed. */
const SERVERS_MS = 5_000;
const MOST_SERVERS = 3;

export interface DnsForwarderPorts {
  readonly network: Pick<DnsNetwork, "ask">;
  /** The machine's own name servers, as they are now. */
  readonly hostServers: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly random: Random;
}

/** How a server answered last, by one transport: a way that takes datagrams may let no connections through. */
interface ServerRecord {
  readonly answeredAtMs: number;
  /** When it first did not answer after that. */
  readonly missedAtMs?: number;
  /** It is not asked before. */
  readonly awayUntilMs?: number;
}

const NEVER_ANSWERED: ServerRecord = { answeredAtMs: Number.NEGATIVE_INFINITY };

/** Asks the machine's name servers what is not of the cluster, one after the other. */
export class DnsForwarder {
  readonly #ports: DnsForwarderPorts;
  /** By transport and server. */
  readonly #records = new Map<string, ServerRecord>();
  #servers: { readonly list: Promise<readonly string[]>; readonly untilMs: number } | undefined;
  #running = 0;
  #turnedAwayCount = 0;

  constructor(ports: DnsForwarderPorts) {
    this.#ports = ports;
  }

  /** Questions that failed because too many were on their way. */
  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  /** The answer with the request's own id; undefined when nobody answers. Never rejects. */
  async ask(request: Uint8Array, transport: DnsTransport): Promise<Uint8Array | undefined> {
    if (this.#running >= MOST_AT_ONCE) {
      this.#turnedAwayCount++;
      return undefined;
    }
    this.#running++;
    try {
      return await this.#askServers(request, transport);
    } catch {
      return undefined;
    } finally {
      this.#running--;
    }
  }

  async #askServers(request: Uint8Array, transport: DnsTransport): Promise<Uint8Array | undefined> {
    const { network, random, clock } = this.#ports;
    // What others send is only taken for the answer when it has the id that they cannot know.
    const id = random.bytes(2);
    const message = withId(request, id);
    for (const server of await this.#hostServers()) {
      const key = `${transport} ${server}`;
      const askedAtMs = clock.monotonicMs();
      if ((this.#records.get(key)?.awayUntilMs ?? 0) > askedAtMs) continue;
      try {
        const answer = await network.ask(server, message, transport, ANSWER_MS);
        if (answer.length < 12 || answer[0] !== id[0] || answer[1] !== id[1]) continue;
        this.#records.set(key, { answeredAtMs: clock.monotonicMs() });
        return withId(answer, request);
      } catch {
        this.#missed(key, askedAtMs);
      }
    }
    return undefined;
  }

  /** Counts a server as away only when it does not answer other questions either. */
  #missed(key: string, askedAtMs: number): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const record = this.#records.get(key) ?? NEVER_ANSWERED;
    const { answeredAtMs, missedAtMs } = record;
    if (answeredAtMs > askedAtMs) return;
    // Questions that were on their way together (a name's IPv4 and IPv6 addresses) count as one.
    const isFirst = missedAtMs === undefined || askedAtMs < missedAtMs;
    if (isFirst && nowMs - answeredAtMs <= LATELY_MS)
      this.#records.set(key, { ...record, missedAtMs: missedAtMs ?? nowMs });
    else this.#records.set(key, { answeredAtMs, missedAtMs: missedAtMs ?? nowMs, awayUntilMs: nowMs + AWAY_MS });
  }

  #hostServers(): Promise<readonly string[]> {
    const { hostServers, clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    if (!this.#servers || this.#servers.untilMs <= nowMs) {
      this.#servers = { list: hostServers().then((list) => list.slice(0, MOST_SERVERS)), untilMs: nowMs + SERVERS_MS };
      this.#records.forEach(({ answeredAtMs, awayUntilMs = 0 }, key) => {
        if (awayUntilMs <= nowMs && nowMs - answeredAtMs > LATELY_MS) this.#records.delete(key);
      });
    }
    return this.#servers.list;
  }
}

function withId(message: Uint8Array, id: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(message);
  copy.set(id.subarray(0, 2));
  return copy;
}

import type { DnsCodec, DnsQuestion } from "./dns-codec.ts";
import type { DnsForwarder } from "./dns-forwarder.ts";
import type { DnsHandler, DnsTransport } from "./dns-ports.ts";
import type { LocalService } from "./local-services.ts";
import type { ServiceZone } from "./service-zone.ts";

/** How long pods may keep an answer; an endpoint that is replaced is found after this. */
const TTL_SECONDS = 5;
const REQUEST_LIMIT_BYTES = 4096;

export interface NameServerPorts {
  readonly codec: DnsCodec;
  readonly forwarder: Pick<DnsForwarder, "ask">;
  readonly random: { bytes(sizeBytes: number): Uint8Array };
  /** The names as they are now. */
  readonly zone: () => ServiceZone;
  /** Whether the address is that of a pod of this node; nobody else is answered. */
  readonly isPod: (address: string) => boolean;
  /** A pod has asked for a Service. */
  readonly onAsked: (podAddress: string, service: LocalService) => void;
}

/** Answers the names that pods of this node ask for: Services here, all else from the machine's name servers. */
export class NameServer implements DnsHandler {
  readonly #ports: NameServerPorts;

  constructor(ports: NameServerPorts) {
    this.#ports = ports;
  }

  serves(from: string): boolean {
    return this.#ports.isPod(from);
  }

  /** The answer to a message; undefined when it deserves none. Never rejects. */
  async answer(message: Uint8Array, from: string, transport: DnsTransport): Promise<Uint8Array | undefined> {
    if (message.length > REQUEST_LIMIT_BYTES || !this.serves(from)) return undefined;
    try {
      return await this.#answerMessage(message, from, transport);
    } catch {
      // What can be read but not be written again (names that are no text) gets no answer.
      return undefined;
    }
  }

  async #answerMessage(message: Uint8Array, from: string, transport: DnsTransport): Promise<Uint8Array | undefined> {
    const { codec } = this.#ports;
    const request = codec.read(message);
    if (request.kind === "garbage") return undefined;
    if (request.kind === "unusable") return codec.answer(message, { code: "FORMERR", records: [] }, TTL_SECONDS);
    const answer = await this.#answerQuestion(message, request.question, from, transport);
    const isTooLong = transport === "udp" && answer.length > request.question.maximumBytes;
    return isTooLong ? codec.truncated(message) : answer;
  }

  async #answerQuestion(
    message: Uint8Array,
    question: DnsQuestion,
    from: string,
    transport: DnsTransport,
  ): Promise<Uint8Array> {
    const { codec, forwarder, zone, onAsked } = this.#ports;
    const failed = (): Uint8Array => codec.answer(message, { code: "SERVFAIL", records: [] }, TTL_SECONDS);
    const found = zone().lookUp(question.name, question.type);
    switch (found.kind) {
      case "elsewhere":
        return (await forwarder.ask(message, transport)) ?? failed();
      case "no-such-name":
        return codec.answer(message, { code: "NXDOMAIN", records: [] }, TTL_SECONDS);
      case "records":
        if (found.service) onAsked(from, found.service);
        return codec.answer(message, { code: "NOERROR", records: found.records }, TTL_SECONDS);
      case "alias":
        return (await this.#follow(message, found.target, transport)) ?? failed();
    }
  }

  async #follow(message: Uint8Array, target: string, transport: DnsTransport): Promise<Uint8Array | undefined> {
    const { codec, forwarder, random } = this.#ports;
    const [high = 0, low = 0] = random.bytes(2);
    const answer = await forwarder.ask(codec.renamed(message, target, high * 256 + low), transport);
    return answer && codec.aliased(message, target, answer, TTL_SECONDS);
  }
}

import { type Answer, type DecodedPacket, decode, encode, type Packet, type Question } from "dns-packet";
import type { DnsCode, DnsCodec } from "../dns-codec.ts";
import type { NameRecord } from "../service-zone.ts";

const CODES: Readonly<Record<DnsCode, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3 };
const CODE_BITS = 0xf;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;
/** What every asker takes in a datagram (RFC 1035), and what is taken at most: it fits into a frame (RFC 9715). */
const LEAST_BYTES = 512;
const MOST_BYTES = 1232;

/** {@link DnsCodec} by dns-packet. */
export const dnsPacketCodec: DnsCodec = {
  read(message) {
    const packet = decoded(message);
    if (packet?.type !== "query") return { kind: "garbage" };
    const [question, ...more] = packet.questions ?? [];
    if (!question || !isText(question.name) || more.length > 0 || opcode(packet) !== 0) return { kind: "unusable" };
    const size = ednsSize(packet) ?? LEAST_BYTES;
    const maximumBytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, size));
    return {
      kind: "question",
      question: { name: question.name.replace(/\.$/, ""), type: question.type, maximumBytes },
    };
  },
  answer: (request, answer, ttlSeconds) => {
    const records = answer.records.map((record) => asRecord(record, ttlSeconds));
    return response(decoded(request), AUTHORITATIVE | CODES[answer.code], records);
  },
  truncated: (request) => response(decoded(request), AUTHORITATIVE | TRUNCATED, []),
  renamed(request, name, id) {
    const [question] = decoded(request)?.questions ?? [];
    const asked: Question = { type: question?.type ?? "A", class: "IN", name };
    return encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [asked] });
  },
  aliased(request, target, answer, ttlSeconds) {
    const packet = decoded(request);
    const found = decoded(answer);
    const [question] = packet?.questions ?? [];
    if (!packet || !question || !found) return undefined;
    const alias: Answer = { type: "CNAME", name: question.name, ttl: ttlSeconds, data: target };
    const code = (found.flags ?? 0) & CODE_BITS;
    return response(packet, code, [alias, ...(found.answers ?? [])]);
  },
};

function decoded(message: Uint8Array): DecodedPacket | undefined {
  try {
    return decode(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  } catch {
    return undefined;
  }
}

/** Of a request that could not be read nothing but its failure is told. */
function response(request: DecodedPacket | undefined, flags: number, answers: Answer[]): Uint8Array {
  const [question] = request?.questions ?? [];
  const packet: Packet = {
    type: "response",
    id: request?.id ?? 0,
    flags: flags | RECURSION_AVAILABLE | (request?.flag_rd ? RECURSION_DESIRED : 0),
    questions: question && isText(question.name) ? [question] : [],
    answers,
    additionals: request && ednsSize(request) !== undefined ? [OWN_EDNS] : [],
  };
  return encode(packet);
}

/** Who asks with it is answered with it (RFC 6891). */
const OWN_EDNS: Answer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: MOST_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function ednsSize({ additionals = [] }: DecodedPacket): number | undefined {
  const found = additionals.find(({ type }) => type === "OPT");
  return found?.type === "OPT" ? found.udpPayloadSize : undefined;
}

function asRecord(record: NameRecord, ttl: number): Answer {
  const { name } = record;
  if (record.type !== "SRV") return { type: record.type, name, ttl, data: record.address };
  return { type: "SRV", name, ttl, data: { port: record.port, target: record.target, priority: 0, weight: 100 } };
}

/** Labels may hold any bytes; what is no text is written otherwise than it was read. */
function isText(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

/** 0 is a plain question. */
function opcode({ flags = 0 }: DecodedPacket): number {
  return (flags >> 11) & 0xf;
}

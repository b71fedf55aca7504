import type { NameRecord } from "./service-zone.ts";

/** A question for one name. */
export interface DnsQuestion {
  /** Without a dot at its end. */
  readonly name: string;
  /** `A`, `AAAA`, `SRV`, … */
  readonly type: string;
  /** The longest answer that the asker takes in a datagram. */
  readonly maximumBytes: number;
}

/** What a message from a pod is. */
export type DnsRequest =
  | { readonly kind: "question"; readonly question: DnsQuestion }
  /** A request that can be answered, but is no plain question. */
  | { readonly kind: "unusable" }
  /** Nothing to answer: no request, or bytes that are none. */
  | { readonly kind: "garbage" };

export type DnsCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN";

/** What is answered to a question. */
export interface DnsAnswer {
  readonly code: DnsCode;
  readonly records: readonly NameRecord[];
}

/** Reads and writes DNS messages (RFC 1035). Never throws for what came from outside. */
export interface DnsCodec {
  read(message: Uint8Array): DnsRequest;
  /** The answer to the request in these bytes. */
  answer(request: Uint8Array, answer: DnsAnswer, ttlSeconds: number): Uint8Array;
  /** An answer without its records, that tells the asker to ask again over TCP. */
  truncated(request: Uint8Array): Uint8Array;
  /** The same question for another name, with the given id. */
  renamed(request: Uint8Array, name: string, id: number): Uint8Array;
  /** The answer to a request whose name stands for `target`, with what was answered about that; undefined for garbage. */
  aliased(request: Uint8Array, target: string, answer: Uint8Array, ttlSeconds: number): Uint8Array | undefined;
}

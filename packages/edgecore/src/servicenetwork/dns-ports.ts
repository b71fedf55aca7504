/** How a question came in. */
export type DnsTransport = "udp" | "tcp";

/** Who answers what comes in. */
export interface DnsHandler {
  /** Whether anything from that address is answered; a connection of others is closed at once. */
  serves(from: string): boolean;
  /** The answer to a message; undefined: it gets none. Never rejects. */
  answer(message: Uint8Array, from: string, transport: DnsTransport): Promise<Uint8Array | undefined>;
}

/** Something that listens for questions. */
export interface DnsListener extends AsyncDisposable {
  /** The same for both transports. */
  readonly port: number;
}

/** Where questions come in and go out. Messages, connections and their time are limited. */
export interface DnsNetwork {
  /** Listens on a port that is free there. @throws when the address is not the machine's */
  listen(address: string, handler: DnsHandler): Promise<DnsListener>;
  /** Asks another name server. @throws when it does not answer in time */
  ask(server: string, message: Uint8Array, transport: DnsTransport, timeoutMs: number): Promise<Uint8Array>;
}

/** The machine's own address in a network of pods. */
export interface HostAddress {
  readonly address: string;
  /** How much of the address is the network's. */
  readonly prefixLength: number;
}

/** The machine as its pods see it. */
export interface HostAddresses {
  /**
   * The machine's own address in the network of that pod; undefined when it has none there. A network by which the
   * machine reaches others is none of pods: who asks for names there asks somebody else's name server.
   */
  besides(podAddress: string): HostAddress | undefined;
}

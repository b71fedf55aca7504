import { createServer, type Server, type Socket } from "node:net";
import { Duplex, pipeline } from "node:stream";
import type { Logger } from "@skerry/base";
import { Aedes } from "aedes";
import { BoundedPersistence, type BrokerLimits, defaultBrokerLimits } from "./bounded-persistence.ts";
import { brokerPayloadTooLarge, brokerPortUnusable } from "./errors.ts";
import { PacketGate } from "./packet-gate.ts";

/** What a packet may have besides its payload: the topic (MQTT 3.1.1, 1.5.3) and a few bytes. */
const LONGEST_TOPIC_BYTES = 64 * 1024 + 16;

/** How to run the embedded broker. */
export interface EmbeddedBrokerOptions {
  /** @default "127.0.0.1": there is no password, so only this machine. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly logger: Logger;
  readonly limits?: BrokerLimits;
}

/**
 * An MQTT broker for where Mosquitto cannot be had. It keeps sessions while it runs, in memory: what waits for a client
 * is gone when the broker stops. (EventBus and DeviceTwin do not count on it: a value counts as accepted when DeviceTwin
 * has answered.)
 */
export class EmbeddedBroker implements AsyncDisposable {
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #persistence: BoundedPersistence;

  private constructor(broker: Aedes, server: Server, sockets: ReadonlySet<Socket>, persistence: BoundedPersistence) {
    this.#broker = broker;
    this.#server = server;
    this.#sockets = sockets;
    this.#persistence = persistence;
  }

  /** @throws SkerryError `SKERRY_BROKER_PORT_UNUSABLE` */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const { host = "127.0.0.1", port, logger, limits = defaultBrokerLimits } = options;
    const persistence = new BoundedPersistence(limits);
    const broker = await Aedes.createBroker({
      persistence,
      maxClientsIdLength: 256,
      authorizePublish: (client, packet, decide) => {
        const sizeBytes = packet.payload.length;
        if (sizeBytes <= limits.maximumPayloadBytes) return decide();
        const refusal = brokerPayloadTooLarge(packet.topic, sizeBytes, limits.maximumPayloadBytes);
        logger.warn("A client is disconnected", { clientId: client?.id, reason: refusal.message });
        decide(refusal);
      },
    });
    broker.on("client", (client) => logger.info("A client has connected", { clientId: client.id }));
    broker.on("clientDisconnect", (client) => logger.info("A client has gone", { clientId: client.id }));
    broker.on("clientError", (client, error) =>
      logger.debug("A client's connection failed", { clientId: client.id, reason: error.message }),
    );
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      const gate = new PacketGate(limits.maximumPayloadBytes + LONGEST_TOPIC_BYTES);
      // Whatever ends one of the two ends both; aedes hears of it by its own end of the connection.
      const readable = pipeline(socket, gate, () => undefined);
      broker.handle(Duplex.from({ readable, writable: socket }));
    });
    server.maxConnections = limits.maximumConnections;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      broker.close();
      throw brokerPortUnusable(host, port, error);
    }
    return new EmbeddedBroker(broker, server, sockets, persistence);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Messages lost to the limits so far. */
  get droppedCount(): number {
    return this.#persistence.droppedCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy(); // Those that never said who they are.
    await closed;
  }
}

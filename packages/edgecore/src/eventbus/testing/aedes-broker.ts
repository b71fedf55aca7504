import { createServer, type Socket } from "node:net";
import { Aedes, type AedesPublishPacket } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";

/** A real broker on a loopback port, which a test can kill and start again on the same port, sessions kept. */
export class TestBroker implements AsyncDisposable {
  readonly #broker: Aedes;
  readonly #sockets = new Set<Socket>();
  readonly #acknowledged: { clientId: string; topic: string }[] = [];
  #server = createServer();
  #port = 0;

  private constructor(broker: Aedes) {
    this.#broker = broker;
    broker.on("ack", (packet, client) => {
      if (packet && "topic" in packet) this.#acknowledged.push({ clientId: client.id, topic: packet.topic });
    });
  }

  static async start(): Promise<TestBroker> {
    const broker = new TestBroker(await Aedes.createBroker({ maxClientsIdLength: 1000 }));
    await broker.listen();
    return broker;
  }

  get address(): string {
    return `tcp://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      this.#broker.handle(socket);
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", () => resolve()));
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Ends all connections and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Topics of the messages that a client has acknowledged. */
  acknowledgedBy(clientId: string): readonly string[] {
    return this.#acknowledged.filter((entry) => entry.clientId === clientId).map(({ topic }) => topic);
  }

  /** Calls back for all that is published. */
  onPublish(listener: (packet: AedesPublishPacket) => void): void {
    this.#broker.on("publish", listener);
  }

  client(): Promise<MqttClient> {
    return connectAsync(this.address.replace("tcp:", "mqtt:"), { reconnectPeriod: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    await new Promise<void>((resolve) => this.#broker.close(() => resolve()));
  }
}

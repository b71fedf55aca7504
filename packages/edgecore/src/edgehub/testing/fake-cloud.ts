import { SkerryError } from "@skerry/base";
import {
  type ConnectionHandlers,
  cloudBusy,
  decodeMessage,
  encodeMessage,
  type LinkConnection,
  type LinkDialer,
  type Message,
  type PeerIdentity,
} from "@skerry/link";

/** The other end of the link in a test: takes dials, records what the edge sends, sends what the test says. */
export class FakeCloud implements LinkDialer {
  /** What happens to the next dials. */
  behaviour: "accept" | "refuse" | "busy" | "hang" = "accept";
  /** What happens to the next dials of an address. */
  behaviourOf: (url: string) => FakeCloud["behaviour"] = () => this.behaviour;
  readonly dials: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[] = [];
  readonly connections: FakeConnection[] = [];
  /** Headers of the cloud's answer to the next upgrades. */
  headers: Readonly<Record<string, string>> = {};
  /** Answers each message that the edge sends, at once; undefined leaves it unanswered. */
  answer: (message: Message) => Message | undefined = () => undefined;

  dial(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<LinkConnection> {
    this.dials.push({ url, headers });
    const behaviour = this.behaviourOf(url);
    return new Promise((resolve, reject) => {
      if (behaviour === "refuse") {
        reject(
          new SkerryError({ code: "LINK_DIAL_FAILED", message: "connection refused", advice: "Start the cloud." }),
        );
      } else if (behaviour === "busy") {
        reject(cloudBusy(url, 10_000, "500 nodes are connected"));
      } else if (behaviour === "hang") {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      } else {
        const connection = new FakeConnection((message) => this.answer(message), this.headers);
        this.connections.push(connection);
        resolve(connection);
      }
    });
  }

  /** The newest connection. */
  get connection(): FakeConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error("the edge has not connected");
    return connection;
  }
}

export class FakeConnection implements LinkConnection {
  readonly peer: PeerIdentity = { name: "cloud", groups: [], certificateFingerprint: "" };
  readonly requestPath = "";
  readonly headers: Readonly<Record<string, string>>;
  bufferedBytes = 0;
  /** Whether pings are answered. */
  alive = true;
  paused = false;
  closed: { code: number; reason: string } | undefined;
  /** All that the edge sent, keepalives left out. */
  readonly received: Message[] = [];
  keepaliveCount = 0;
  pingCount = 0;
  lastKeepalive: Message | undefined;
  #handlers: ConnectionHandlers | undefined;
  readonly #answer: (message: Message) => Message | undefined;
  readonly #waiting: string[] = [];

  constructor(answer: (message: Message) => Message | undefined, headers: Readonly<Record<string, string>> = {}) {
    this.headers = headers;
    this.#answer = answer;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#flush();
  }

  send(text: string): void {
    if (this.closed) return;
    const message = decodeMessage(text);
    if (message.route.operation === "keepalive") {
      this.keepaliveCount++;
      this.lastKeepalive = message;
      return;
    }
    this.received.push(message);
    const answer = this.#answer(message);
    if (answer) this.deliver(answer);
  }

  ping(): void {
    this.pingCount++;
    if (this.alive) queueMicrotask(() => this.#handlers?.onAlive?.());
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#flush();
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
    this.#handlers = undefined;
  }

  /** The cloud sends a message, or any text. */
  deliver(message: Message | string): void {
    this.#waiting.push(typeof message === "string" ? message : encodeMessage(message));
    this.#flush();
  }

  /** The connection breaks or the cloud closes it. */
  drop(code = 1006, reason = ""): void {
    const handlers = this.#handlers;
    this.closed = { code, reason };
    this.#handlers = undefined;
    handlers?.onClose({ code, reason });
  }

  #flush(): void {
    while (this.#handlers && !this.paused) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      this.#handlers.onFrame(text);
    }
  }
}

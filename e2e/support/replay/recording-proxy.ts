import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import type { Exchange, Json } from "./recorded-command.ts";

/** How the proxy reaches the API server. */
export interface ApiServerAccess {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Stands between kubectl and the API server, as it stood when the recordings were made, and notes each exchange. */
export class RecordingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #access: ApiServerAccess;
  #exchanges: { method: string; url: string; status: number; text: string; isWatch: boolean }[] = [];

  private constructor(access: ApiServerAccess) {
    this.#access = access;
    this.#server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));
  }

  static async start(access: ApiServerAccess): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(access);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What went through since the last call; a watch that still runs with the events it has had. */
  take(): Exchange[] {
    const taken = this.#exchanges;
    this.#exchanges = [];
    return taken.map(({ method, url, status, text, isWatch }) => ({
      method,
      url,
      status,
      answer: isWatch && status === 200 ? eventsOf(text) : parsed(text),
    }));
  }

  /** Whether a watch has been opened, or a request refused, since the last `take`. */
  hasAnswer(): boolean {
    return this.#exchanges.some(({ isWatch, status }) => isWatch || status >= 400);
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = "GET", url = "/" } = incoming;
    const { port, ca, cert, key } = this.#access;
    const upstream = request(
      {
        ...{ host: "127.0.0.1", port, method, path: url, ca, cert, key },
        headers: { ...incoming.headers, "accept-encoding": "identity" },
      },
      (answer) => {
        const note = { method, url, status: answer.statusCode ?? 0, text: "", isWatch: /[?&]watch=(1|true)/.test(url) };
        this.#exchanges.push(note);
        outgoing.writeHead(note.status, answer.headers);
        // kubectl waits for the head of a watch, whose first event may be a minute away.
        outgoing.flushHeaders();
        answer.setEncoding("latin1");
        answer.on("data", (text: string) => {
          note.text += text;
          outgoing.write(text, "latin1");
        });
        answer.on("end", () => outgoing.end());
        answer.on("error", () => outgoing.destroy());
      },
    );
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function eventsOf(text: string): Json {
  return text.split("\n").filter(Boolean).map(parsed);
}

/** JSON, or the text itself. The proxy reads bytes as Latin-1, so that protobuf passes unharmed. */
function parsed(text: string): Json {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  try {
    return JSON.parse(decoded) as Json;
  } catch {
    return decoded;
  }
}

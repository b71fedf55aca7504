import { type Clock, describeError, isJsonObject, isSkerryError, type Random, toBase64 } from "@skerry/base";
import { newMessage } from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";

export interface LocalEntryPorts {
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  /** The URLs that rules take from this node. */
  readonly urls: () => readonly string[];
  readonly timeoutMs: number;
}

/** Requests that may wait for the cloud at once; further ones are turned away. */
const LIMIT = 128;

/**
 * Requests of this node's applications to services behind the cloud's router (wire.md U23). They are calls: never stored,
 * and answered at once when the link is down. As in KubeEdge the answer is JSON whose `code` tells how it went.
 */
export class LocalEntry {
  readonly #ports: LocalEntryPorts;
  #waitingCount = 0;
  #turnedAwayCount = 0;

  constructor(ports: LocalEntryPorts) {
    this.#ports = ports;
  }

  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  async handle(body: Uint8Array): Promise<string> {
    const url = targetUrlOf(body);
    if (url === undefined) return answer(400, "the request is no JSON with method, targetURL and payload");
    if (!this.#ports.urls().includes(url)) return answer(400, `no rule of the cloud takes requests to ${url}`);
    if (this.#waitingCount >= LIMIT) {
      this.#turnedAwayCount++;
      return answer(503, `${LIMIT} requests wait for the cloud already`);
    }
    this.#waitingCount++;
    try {
      const route = { source: "servicebus", group: "user", operation: "upload", resource: url };
      const message = newMessage(this.#ports, route, toBase64(body));
      const reply = await this.#ports.cloudLink.request(message, this.#ports.timeoutMs);
      const text = typeof reply.content === "string" ? reply.content : JSON.stringify(reply.content);
      return reply.route.operation === "error"
        ? answer(502, text)
        : answer(200, "receive response from cloud successfully", text);
    } catch (error) {
      return answer(isSkerryError(error, "LINK_TIMEOUT") ? 504 : 503, describeError(error));
    } finally {
      this.#waitingCount--;
    }
  }
}

/** The `targetURL` of a request; undefined when it is none. */
function targetUrlOf(body: Uint8Array): string | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    const url = isJsonObject(parsed) ? parsed["targetURL"] : undefined;
    return typeof url === "string" && url !== "" ? url : undefined;
  } catch {
    return undefined;
  }
}

function answer(code: number, text: string, body = ""): string {
  return JSON.stringify({ code, msg: text, body });
}

import { type Clock, describeError, type Logger, type Random, type Service } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { CloudLink, DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { RuleSources } from "../rules/index.ts";
import type { LocalHttpServer, LoopbackHttpClient } from "./http-ports.ts";
import { LocalEntry } from "./local-entry.ts";
import { ServiceCalls } from "./service-calls.ts";

export interface ServiceBusPorts {
  readonly client: LoopbackHttpClient;
  readonly server: LocalHttpServer;
  readonly urls: RuleSources;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** As KubeEdge takes; as base64 within a message of the link, whose limit is 4 MiB, it is less. */
const MAXIMUM_BODY_BYTES = 2 * 1024 * 1024;

/**
 * Between HTTP services and applications of this node and the cloud's router (edge.md 10). The local entry is open while
 * rules take requests from this node, also after a restart without the cloud.
 */
export class ServiceBus implements Service, DownstreamHandler {
  readonly #ports: ServiceBusPorts;
  readonly #logger: Logger;
  readonly #calls: ServiceCalls;
  readonly #entry: LocalEntry;
  #listener: AsyncDisposable | undefined;
  #opening: Promise<void> = Promise.resolve();

  /** `timeoutMs`: how long an answer from the cloud may take. */
  constructor(ports: ServiceBusPorts, timeoutMs: number) {
    this.#ports = ports;
    this.#logger = ports.logger.child("servicebus");
    const { cloudLink, urls } = ports;
    this.#calls = new ServiceCalls({ ...ports, send: (message) => cloudLink.send(message) });
    this.#entry = new LocalEntry({ ...ports, urls: () => urls.values, timeoutMs });
  }

  async start(): Promise<void> {
    this.#ports.urls.load();
    await this.#adjust();
  }

  async handle(message: Message): Promise<void> {
    const { urls } = this.#ports;
    const { operation, resource = "" } = message.route;
    if (operation === "start") await urls.add(resource);
    else if (operation === "stop") await urls.replace(urls.values.filter((url) => !isStoppedBy(resource, url)));
    else if (operation === "sources") {
      if (!Array.isArray(message.content)) return;
      await urls.replace(message.content.filter((url): url is string => typeof url === "string"));
    } else {
      this.#calls.begin(message);
      return;
    }
    await this.#adjust();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening;
    await this.#listener?.[Symbol.asyncDispose]();
    await this.#calls[Symbol.asyncDispose]();
  }

  /** Opens or closes the local entry; a port in use is told, and tried again at the next change. */
  #adjust(): Promise<void> {
    this.#opening = this.#opening.then(async () => {
      const isWanted = this.#ports.urls.values.length > 0;
      if (isWanted === (this.#listener !== undefined)) return;
      if (!isWanted) {
        await this.#listener?.[Symbol.asyncDispose]();
        this.#listener = undefined;
        return;
      }
      try {
        const limits = { maximumBodyBytes: MAXIMUM_BODY_BYTES };
        this.#listener = await this.#ports.server.listen((body) => this.#entry.handle(body), limits);
      } catch (error) {
        this.#logger.error("The entry for this node's applications is closed", { error: describeError(error) });
      }
    });
    return this.#opening;
  }
}

/** KubeEdge's cloud sends the URL of a rule's end path-cleaned: `http:/host/a` (edge.md 15.5, 54). */
function isStoppedBy(stopped: string, url: string): boolean {
  return url === stopped || url.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1") === stopped;
}

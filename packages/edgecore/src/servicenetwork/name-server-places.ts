import { describeError, type Logger } from "@skerry/base";
import type { DnsHandler, DnsListener, DnsNetwork, HostAddress, HostAddresses } from "./dns-ports.ts";
import type { NameServerPlace } from "./packet-rules.ts";

/** A node has one network of pods, or few. */
const MOST_PLACES = 8;

export interface NameServerPlacesPorts {
  readonly dnsNetwork: Pick<DnsNetwork, "listen">;
  readonly addresses: HostAddresses;
  readonly logger: Logger;
}

/** The machine's addresses at which pods ask for names: one for each network of pods. */
export class NameServerPlaces implements AsyncDisposable {
  readonly #ports: NameServerPlacesPorts;
  readonly #handler: DnsHandler;
  readonly #listeners = new Map<string, { readonly place: HostAddress; readonly listening: Promise<DnsListener> }>();
  #isToldOfNoPlace = false;
  #stopped = false;

  constructor(ports: NameServerPlacesPorts, handler: DnsHandler) {
    this.#ports = ports;
    this.#handler = handler;
  }

  /** Listens where a pod with this address can ask; the address, or undefined where nothing can listen. */
  async openFor(podAddress: string): Promise<string | undefined> {
    const { addresses, dnsNetwork, logger } = this.#ports;
    const place = addresses.besides(podAddress);
    if (!place) return this.#noPlace(podAddress);
    const { address } = place;
    if (this.#stopped) return undefined;
    const known = this.#listeners.get(address);
    if (!known && this.#listeners.size >= MOST_PLACES) return undefined;
    const listening = known?.listening ?? dnsNetwork.listen(address, this.#handler);
    this.#listeners.set(address, { place, listening });
    try {
      await listening;
      return address;
    } catch (error) {
      this.#listeners.delete(address);
      logger.warn("Pods cannot be answered the names of Services", { address, error: describeError(error) });
      return undefined;
    }
  }

  #noPlace(podAddress: string): undefined {
    if (!this.#isToldOfNoPlace)
      this.#ports.logger.warn(
        "Pods are not answered the names of Services: the machine has no address of its own in their network",
        { podAddress },
      );
    this.#isToldOfNoPlace = true;
    return undefined;
  }

  /** All that listens now. */
  async list(): Promise<NameServerPlace[]> {
    const found = await Promise.all(
      [...this.#listeners.values()].map(async ({ place, listening }) => {
        const listener = await listening.catch(() => undefined);
        return listener ? [{ ...place, port: listener.port }] : [];
      }),
    );
    return found.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const { listening } of this.#listeners.values())
      await (await listening.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

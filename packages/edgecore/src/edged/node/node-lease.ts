import type { Lease, Node } from "@skerry/api";
import { isSkerryError, type JsonObject, toKubernetesMicroTime } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { EdgedPorts } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";

const RETRY = { initialMs: 1000, maximumMs: 7000 };
const JITTER = 0.04;

/**
 * Keeps the node's lease in `kube-node-lease` fresh while there is a session (U19); offline it rests, and with Skerry's
 * delivery, where CloudCore renews it as long as the session lives.
 */
export class NodeLease implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #onNodeMissing: () => void;
  readonly #loop: SyncLoop;
  readonly #stopping = new AbortController();
  /** The lease as the cloud last gave it; undefined: ask first. */
  #lease: Lease | undefined;
  #waitsForNode = false;

  /** @param onNodeMissing called when the lease cannot be because the Node is not */
  constructor(ports: EdgedPorts, onNodeMissing: () => void) {
    this.#ports = ports;
    this.#onNodeMissing = onNodeMissing;
    this.#loop = new SyncLoop(ports, "Renewing the node's lease", RETRY, () => this.#renew());
  }

  /** Renews now: the session is new. */
  renewNow(): void {
    this.#loop.wake();
  }

  /** The Node is in the store now: a lease that waited for it can be made. */
  nodeStored(): void {
    if (this.#waitsForNode) this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #renew(): Promise<number | undefined> {
    const { cloudLink, config, clock, random } = this.#ports;
    const { state } = cloudLink;
    if (state.kind !== "connected" || state.delivery === "skerry") return undefined;
    try {
      this.#lease ??= await this.#query();
      const spec = {
        ...this.#lease?.spec,
        holderIdentity: config.nodeName,
        leaseDurationSeconds: config.nodeLeaseDurationSeconds,
        renewTime: toKubernetesMicroTime(clock.now()),
      };
      if (this.#lease) this.#lease = await this.#call("update", { ...this.#lease, spec });
      else this.#lease = await this.#create(spec);
    } catch (error) {
      this.#lease = undefined;
      // Its end wakes this loop through the next session; until then there is nothing to say.
      if (isSkerryError(error, "LINK_DISCONNECTED")) return undefined;
      if (isApiError(error, "NotFound")) this.#onNodeMissing();
      throw error;
    }
    return config.nodeLeasePeriodMs * (1 + JITTER * random.float());
  }

  async #query(): Promise<Lease | undefined> {
    try {
      return await this.#call("query", null);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async #create(spec: NonNullable<Lease["spec"]>): Promise<Lease | undefined> {
    const { meta, config } = this.#ports;
    const node = meta.get<Node>({ type: "node", namespace: "null", name: config.nodeName });
    this.#waitsForNode = !node?.metadata.uid;
    if (!node?.metadata.uid) return undefined;
    const owner = { apiVersion: "v1", kind: "Node", name: config.nodeName, uid: node.metadata.uid };
    const metadata = {
      name: config.nodeName,
      namespace: "kube-node-lease",
      creationTimestamp: null,
      ownerReferences: [owner],
    };
    return this.#call("insert", { metadata, spec });
  }

  #call(operation: string, content: JsonObject | (Omit<Lease, "apiVersion" | "kind"> & object) | null): Promise<Lease> {
    const resource = `kube-node-lease/lease/${this.#ports.config.nodeName}`;
    return this.#ports.meta.call<Lease>(
      { operation, resource, content: content as JsonObject | null },
      this.#stopping.signal,
    );
  }
}

import { isMirrorPod, type Pod } from "@skerry/api";
import { isSkerryError, type JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { EdgedPorts } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import { mirroredUid, mirrorOf } from "./static-pod.ts";

const RETRY = { initialMs: 1000, maximumMs: 60_000 };
/** How often it is looked whether the node is registered. */
const NODE_WAIT_MS = 1000;

/** Shows the static pods to the cloud: one mirror pod each, made anew when it is deleted or its manifest has changed. */
export class MirrorPods implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #staticPods: () => readonly Pod[];
  readonly #loop: SyncLoop;
  readonly #stopping = new AbortController();

  constructor(ports: EdgedPorts, staticPods: () => readonly Pod[]) {
    this.#ports = ports;
    this.#staticPods = staticPods;
    this.#loop = new SyncLoop(ports, "Showing static pods to the cloud", RETRY, () => this.#sync());
  }

  /** A static pod, a mirror pod or the link has changed. */
  wake(): void {
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #sync(): Promise<number | undefined> {
    const { meta, cloudLink, config } = this.#ports;
    if (cloudLink.state.kind !== "connected") return undefined;
    const wanted = new Map(this.#staticPods().map((pod) => [pod.metadata.uid ?? "", pod]));
    const shown = new Set<string>();
    for (const mirror of meta.list<Pod>("pod")) {
      const uid = mirroredUid(mirror);
      if (uid === undefined || mirror.spec.nodeName !== config.nodeName) continue;
      if (wanted.has(uid)) shown.add(uid);
      if (!wanted.has(uid) || mirror.metadata.deletionTimestamp !== undefined) await this.#remove(mirror);
    }
    for (const [uid, pod] of wanted) {
      if (shown.has(uid)) continue;
      // The owner of a mirror pod is the Node, which must be registered first.
      if (!meta.get({ type: "node", namespace: "null", name: config.nodeName })) return NODE_WAIT_MS;
      await this.#create(pod);
    }
    return undefined;
  }

  async #create(pod: Pod): Promise<void> {
    const { meta, logger } = this.#ports;
    const { namespace = "default", name } = pod.metadata;
    const present = meta.get<Pod>({ type: "pod", namespace, name });
    // Of the manifest before: it is on its way out, and its end wakes this again.
    if (present && isMirrorPod(present)) return;
    try {
      const content = mirrorOf(pod) as unknown as JsonObject;
      await meta.call({ operation: "insert", resource: `${namespace}/pod/${name}`, content }, this.#stopping.signal);
    } catch (error) {
      // One that is there already comes with the node's other objects, as a new one does.
      if (isApiError(error, "AlreadyExists") || isSkerryError(error, "LINK_DISCONNECTED")) return;
      if (!isApiError(error, "Forbidden") && !isApiError(error, "Invalid") && !isApiError(error, "BadRequest"))
        throw error;
      logger.warn("The cloud does not take a static pod; it runs all the same, without being shown", {
        pod: `${namespace}/${name}`,
        error: error.message,
      });
    }
  }

  async #remove({ metadata }: Pod): Promise<void> {
    const { meta } = this.#ports;
    const { namespace = "default", name, uid = "" } = metadata;
    await meta.transaction((transaction) =>
      meta.outbox.put(transaction, {
        key: `poddelete/${namespace}/${name}/${uid}`,
        source: "edged",
        group: "meta",
        operation: "delete",
        resource: `${namespace}/pod/${name}`,
        content: { gracePeriodSeconds: 0, preconditions: { uid } },
      }),
    );
  }
}

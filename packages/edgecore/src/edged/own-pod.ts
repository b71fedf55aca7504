import { isMirrorPod, type Pod, SYSTEM_NAMESPACE, systemPod, systemPodName, systemPodStatus } from "@skerry/api";
import { type Clock, isSkerryError, type JsonObject, type Logger, type Random, toKubernetesTime } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { podStatusPatch } from "./pod/status-patch.ts";
import { SyncLoop } from "./sync-loop.ts";

/** What {@link OwnPod} lives on. */
export interface OwnPodPorts {
  readonly meta: MetaClient;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const RETRY = { initialMs: 1000, maximumMs: 60_000 };
/** How often it is looked whether the node is registered. */
const NODE_WAIT_MS = 1000;

/** Shows EdgeCore to the cluster as a pod of its node: made when it is missing, ready whenever the node is connected. */
export class OwnPod implements AsyncDisposable {
  readonly #ports: OwnPodPorts;
  readonly #nodeName: string;
  readonly #startTime: string;
  readonly #loop: SyncLoop;
  readonly #subscriptions = new DisposableStack();
  readonly #stopping = new AbortController();
  /** The pod whose status was sent in this session. */
  #toldUid = "";

  constructor(ports: OwnPodPorts, nodeName: string) {
    this.#ports = ports;
    this.#nodeName = nodeName;
    this.#startTime = toKubernetesTime(ports.clock.now());
    this.#loop = new SyncLoop(ports, "Showing EdgeCore as a pod", RETRY, () => this.#sync());
  }

  start(): void {
    const { meta, cloudLink } = this.#ports;
    this.#subscriptions.use(
      cloudLink.onState(() => {
        this.#toldUid = "";
        this.#loop.wake();
      }),
    );
    this.#subscriptions.use(
      meta.onChange(({ key }) => {
        if (key.type === "pod" && key.name === this.#name && key.namespace === SYSTEM_NAMESPACE) this.#loop.wake();
      }),
    );
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#subscriptions.dispose();
    await this.#loop[Symbol.asyncDispose]();
  }

  get #name(): string {
    return systemPodName("edgecore", this.#nodeName);
  }

  async #sync(): Promise<number | undefined> {
    const { meta, cloudLink } = this.#ports;
    if (cloudLink.state.kind !== "connected") return undefined;
    const pod = meta.get<Pod>({ type: "pod", namespace: SYSTEM_NAMESPACE, name: this.#name });
    if (pod && !isMirrorPod(pod)) return undefined; // Somebody else's, which only happens to have this name.
    if (!pod) return this.#create();
    const { uid = "", deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) await this.#remove(uid);
    else if (uid !== this.#toldUid) await this.#tell(uid);
    return undefined;
  }

  async #create(): Promise<number | undefined> {
    const { meta } = this.#ports;
    // Its owner is the Node, which must be registered first.
    if (!meta.get({ type: "node", namespace: "null", name: this.#nodeName })) return NODE_WAIT_MS;
    const resource = `${SYSTEM_NAMESPACE}/pod/${this.#name}`;
    const content = systemPod("edgecore", this.#nodeName) as unknown as JsonObject;
    try {
      await meta.call({ operation: "insert", resource, content }, this.#stopping.signal);
    } catch (error) {
      // One that is there already comes with the node's other objects, as a new one does.
      if (!isApiError(error, "AlreadyExists") && !isSkerryError(error, "LINK_DISCONNECTED")) throw error;
    }
    return undefined;
  }

  async #tell(uid: string): Promise<void> {
    const { meta } = this.#ports;
    await meta.transaction((transaction) =>
      meta.outbox.put(transaction, {
        key: `podpatch/${SYSTEM_NAMESPACE}/${this.#name}/${uid}`,
        source: "edged",
        group: "meta",
        operation: "patch",
        resource: `${SYSTEM_NAMESPACE}/podpatch/${this.#name}`,
        content: podStatusPatch(uid, systemPodStatus("edgecore", this.#startTime)),
      }),
    );
    this.#toldUid = uid;
  }

  /** Somebody deletes the pod; EdgeCore goes on, and is shown by a new one. */
  async #remove(uid: string): Promise<void> {
    const { meta } = this.#ports;
    await meta.transaction((transaction) =>
      meta.outbox.put(transaction, {
        key: `poddelete/${SYSTEM_NAMESPACE}/${this.#name}/${uid}`,
        source: "edged",
        group: "meta",
        operation: "delete",
        resource: `${SYSTEM_NAMESPACE}/pod/${this.#name}`,
        content: { gracePeriodSeconds: 0, preconditions: { uid } },
      }),
    );
  }
}

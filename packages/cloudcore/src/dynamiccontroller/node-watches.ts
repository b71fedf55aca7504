import type { KubernetesObject, Status } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { type InformerEvent, isApiError, type KubernetesApi } from "@skerry/kube";
import {
  type Application,
  applicationContent,
  DYNAMIC_CONTROLLER_SOURCE,
  type MessageStamp,
  newMessage,
  objectPath,
  WATCH_SET_RESOURCE,
} from "@skerry/link";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";
import type { Selection } from "./node-access.ts";
import { watchLost } from "./statuses.ts";
import type { FeedUse } from "./watch-feeds.ts";

export interface NodeWatchesOptions {
  readonly nodeName: string;
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  readonly stamp: MessageStamp;
}

/** One watch of a node's MetaServer. */
interface NodeWatch {
  readonly application: Application;
  readonly selection: Selection;
  readonly registrations: DisposableStack;
}

const OPERATIONS = { added: "insert", updated: "update", deleted: "delete" } as const;

/** The watches of one node's MetaServer while it is connected: sends what changes (wire.md D15). */
export class NodeWatches implements Disposable {
  readonly #options: NodeWatchesOptions;
  readonly #watches = new Map<string, NodeWatch>();

  constructor(options: NodeWatchesOptions) {
    this.#options = options;
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#watches.keys());
  }

  get applications(): readonly Application[] {
    return [...this.#watches.values()].map(({ application }) => application);
  }

  /** Each watch with what it selects. */
  get selections(): readonly (readonly [id: string, selection: Selection])[] {
    return [...this.#watches].map(([id, { selection }]) => [id, selection]);
  }

  /**
   * Sends what the feed has from now on. A node with KubeEdge's delivery gets what is there already, too; Skerry's edge
   * lists once the watch is known to stand, so that it also learns what is gone. Returns whether the watch stands.
   */
  add(application: Application, selection: Selection, use: FeedUse): boolean {
    this.remove(application.id);
    const registrations = new DisposableStack();
    registrations.use(use);
    this.#watches.set(application.id, { application, selection, registrations });
    let isReplay = this.#options.cloudHub.deliveryOf(this.#options.nodeName) === "skerry";
    const listening = use.informer.listen((event) => {
      if (!isReplay) void this.#tell(application.id, event, use);
    });
    isReplay = false;
    // What is there already is told within `listen`, and a node that does not take it ends the watch.
    if (registrations.disposed) listening[Symbol.dispose]();
    else registrations.use(listening);
    return !registrations.disposed;
  }

  remove(id: string): void {
    const watch = this.#watches.get(id);
    this.#watches.delete(id);
    watch?.registrations.dispose();
  }

  /** Ends a watch from this side and tells the node, which may ask again. */
  end(id: string, status: Status): void {
    const watch = this.#watches.get(id);
    if (!watch) return;
    this.remove(id);
    const { cloudHub, nodeName, stamp } = this.#options;
    if (cloudHub.deliveryOf(nodeName) !== "skerry") return; // KubeEdge's edge would not know what to do with it.
    const content = { [id]: applicationContent(watch.application, { kind: "rejected", status }) };
    const route = { source: DYNAMIC_CONTROLLER_SOURCE, group: "resource", operation: "applicationResponse" };
    cloudHub.deliver(nodeName, newMessage(stamp, { ...route, resource: WATCH_SET_RESOURCE }, content));
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#watches.keys()]) this.remove(id);
  }

  async #tell(id: string, event: InformerEvent<KubernetesObject>, { informer }: FeedUse): Promise<void> {
    const { selection } = this.#watches.get(id) ?? {};
    if (!selection) return;
    if (event.type !== "deleted") return this.#send(id, OPERATIONS[event.type], event.object);
    // A deletion that was found by a list has the version of that list.
    const version = informer.resourceVersion;
    const isSelective = selection.labelSelector !== "" || selection.fieldSelector !== "";
    if (!isSelective) return this.#send(id, "delete", event.object, version);
    // It may only have left the selection: then the node gets it as it is now, and sees so itself.
    try {
      const now = await this.#stillThere(event.object, selection);
      if (now) this.#send(id, "update", now);
      else this.#send(id, "delete", event.object, version);
    } catch {
      this.end(id, watchLost());
    }
  }

  /** @throws whatever keeps the API server from saying so */
  async #stillThere(object: KubernetesObject, { resource }: Selection): Promise<KubernetesObject | undefined> {
    const { namespace, name, uid } = object.metadata;
    try {
      const target = { resource, ...(namespace ? { namespace } : {}), name };
      const found = await this.#options.api.get<KubernetesObject>(target);
      return found.metadata.uid === uid ? found : undefined;
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #send(id: string, operation: string, object: KubernetesObject, version?: string): void {
    if (!this.#watches.has(id)) return;
    const { cloudHub, nodeName, stamp } = this.#options;
    const { namespace, name, resourceVersion = "" } = object.metadata;
    const resource = objectPath(namespace, (object.kind ?? "").toLowerCase(), name);
    const message = newMessage(
      stamp,
      { source: DYNAMIC_CONTROLLER_SOURCE, group: "resource", operation, resource },
      object as unknown as JsonValue,
      { resourceVersion: version ?? resourceVersion },
    );
    // Nothing may be missing in what a watch brings: better it ends, and the node begins anew.
    if (!cloudHub.deliver(nodeName, message)) this.end(id, watchLost());
  }
}

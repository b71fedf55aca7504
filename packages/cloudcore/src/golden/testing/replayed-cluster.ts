import {
  configMaps,
  deviceModels,
  devices,
  type KubernetesObject,
  leases,
  type Node,
  nodes,
  pods,
  type ResourceReference,
  secrets,
  serviceAccounts,
} from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { isApiError, jsonEqual, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import type { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { Message } from "@skerry/link";

const kinds: ReadonlyMap<string, ResourceReference> = new Map(
  [pods, nodes, configMaps, secrets, devices, deviceModels, leases].map((kind) => [kind.kind, kind]),
);

/**
 * Does in the API what kubectl, the scheduler and the controllers did during the recording, derived from what the
 * recorded cloud told the edge.
 */
export class ReplayedCluster {
  /** The API as CloudCore sees it. */
  readonly api: KubernetesApi;
  readonly #memory: MemoryKubernetesApi;
  /** UIDs and lease versions of the recording, and what they are here. */
  readonly #translation = new Map<string, string>();
  /** The last recorded version of each object, by UID. */
  readonly #recorded = new Map<string, KubernetesObject>();

  constructor(memory: MemoryKubernetesApi) {
    this.#memory = memory;
    this.api = withNodeAdmission(memory);
  }

  /** The recorded message with this run's UIDs and lease versions. */
  translated(message: Message): Message {
    let text = JSON.stringify(message);
    for (const [recorded, here] of this.#translation) text = text.replaceAll(recorded, here);
    return JSON.parse(text) as Message;
  }

  /** The recorded answer's object is this one here. */
  learn(recorded: JsonValue, here: JsonValue): void {
    const one = isJsonObject(recorded) ? (recorded["Object"] ?? recorded) : undefined;
    const other = isJsonObject(here) ? (here["Object"] ?? here) : undefined;
    const left = isJsonObject(one) && isJsonObject(one["metadata"]) ? one["metadata"] : {};
    const right = isJsonObject(other) && isJsonObject(other["metadata"]) ? other["metadata"] : {};
    this.#pair(left["uid"], right["uid"], (uid) => uid);
    const isLease = left["namespace"] === "kube-node-lease";
    if (isLease)
      this.#pair(left["resourceVersion"], right["resourceVersion"], (version) => `"resourceVersion":"${version}"`);
    if (typeof left["uid"] === "string") this.#recorded.set(left["uid"], one as unknown as KubernetesObject);
  }

  /** The object that the recorded cloud told of comes to be as it was recorded. */
  async bringAbout({ route, content }: Message, isEcho: boolean): Promise<void> {
    const recorded = content as unknown as KubernetesObject;
    const resource = kinds.get(recorded.kind);
    const { uid = "", name, namespace } = recorded.metadata;
    if (!resource || !name) return;
    const target: ObjectTarget = { resource, name, ...(namespace ? { namespace } : {}) };
    // The answer to the edge's own request has told of this version already.
    if (isEcho) return;
    const before = this.#recorded.get(uid);
    this.#recorded.set(uid, recorded);
    const existing = await this.get(target);
    if (route.operation === "delete") {
      if (existing) await this.#memory.delete(target, { gracePeriodSeconds: 0 });
      return;
    }
    if (!existing) {
      // Known and gone: a real API server tells of a pod's last second (grace period 0), the one in memory does not.
      if (!this.#translation.has(uid)) await this.#create(target, recorded);
      return;
    }
    if (recorded.metadata.deletionTimestamp && !existing.metadata.deletionTimestamp)
      await this.#memory.delete(target, { gracePeriodSeconds: recorded.metadata.deletionGracePeriodSeconds ?? 30 });
    else await this.#change(target, before ?? existing, recorded);
  }

  /** What an answer shows besides the request's own effect: others have changed labels, annotations or the spec. */
  async foresee(type: string, answer: JsonValue): Promise<void> {
    const recorded = isJsonObject(answer) ? (answer["Object"] as KubernetesObject | null | undefined) : undefined;
    const resource = type === "podpatch" ? pods : nodes;
    const before = recorded && this.#recorded.get(recorded.metadata.uid ?? "");
    if (!before) return;
    const { name, namespace } = recorded.metadata;
    const main: KubernetesObject & { status?: unknown } = { ...recorded };
    delete main.status;
    await this.#change({ resource, name, ...(namespace ? { namespace } : {}) }, before, main);
  }

  /** Creates an object that was there before the recording told of it; nothing when it is there. */
  async ensure(recorded: KubernetesObject): Promise<void> {
    const resource = kinds.get(recorded.kind) ?? (recorded.kind === "ServiceAccount" ? serviceAccounts : undefined);
    if (!resource) return;
    const { name, namespace } = recorded.metadata;
    const target = { resource, name, ...(namespace ? { namespace } : {}) };
    if (!(await this.get(target))) await this.#create(target, recorded);
  }

  async get<T extends KubernetesObject>(target: ObjectTarget): Promise<T | undefined> {
    try {
      return await this.#memory.get<T>(target);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async remove(target: ObjectTarget): Promise<void> {
    if (await this.get(target)) await this.#memory.delete(target, { gracePeriodSeconds: 0 });
  }

  async #create(target: ObjectTarget, recorded: KubernetesObject): Promise<void> {
    const metadata = { ...recorded.metadata };
    delete metadata.resourceVersion;
    delete metadata.managedFields;
    const created = await this.#memory.create(target, { ...recorded, metadata });
    const { uid } = recorded.metadata;
    if (uid) this.#translation.set(uid, created.metadata.uid ?? "");
  }

  /** Applies what differs between two recorded versions. */
  async #change(target: ObjectTarget, before: KubernetesObject, after: KubernetesObject): Promise<void> {
    const [old, next] = [members(before), members(after)];
    const { status, ...main } = Object.fromEntries(
      Object.entries(next).filter(([name, value]) => !jsonEqual(value ?? null, old[name] ?? null)),
    );
    if (Object.keys(main).length > 0) await this.#write(target, main);
    if (status !== undefined) await this.#write({ ...target, subresource: "status" }, { status });
  }

  async #write(target: ObjectTarget, change: JsonObject): Promise<void> {
    const current = await this.#memory.get<KubernetesObject & JsonObject>({ ...target, subresource: "" });
    const metadata = isJsonObject(change["metadata"]) ? change["metadata"] : {};
    await this.#memory.update(target, {
      ...current,
      ...change,
      metadata: { ...current.metadata, ...metadata },
    } as KubernetesObject);
  }

  #pair(recorded: JsonValue | undefined, here: JsonValue | undefined, text: (value: string) => string): void {
    if (typeof recorded === "string" && typeof here === "string") this.#translation.set(text(recorded), text(here));
  }
}

/** What can be changed of an object, in parts. */
function members(object: KubernetesObject): JsonObject {
  const { metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = object as KubernetesObject & JsonObject;
  const { labels = {}, annotations = {} } = metadata as { labels?: JsonObject; annotations?: JsonObject };
  return { ...rest, metadata: { labels, annotations } };
}

/** A real API server taints new nodes (admission plugin TaintNodesByCondition). */
function withNodeAdmission(memory: MemoryKubernetesApi): KubernetesApi {
  return new Proxy<KubernetesApi>(memory, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member);
      if (typeof value !== "function") return value;
      if (member !== "create") return value.bind(target);
      return (...[collection, object, options]: Parameters<KubernetesApi["create"]>) => {
        if (collection.resource !== nodes) return target.create(collection, object, options);
        const node = object as Node;
        const taints = [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" as const }];
        const tainted: Node = { ...node, spec: { ...node.spec, taints: [...(node.spec?.taints ?? []), ...taints] } };
        return target.create(collection, tainted, options);
      };
    },
  });
}

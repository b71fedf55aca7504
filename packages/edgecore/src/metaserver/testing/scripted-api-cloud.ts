import type { KubernetesObject, Status } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue, Listeners, SkerryError } from "@skerry/base";
import { failureStatus, matchesLabels, parseLabelSelector } from "@skerry/kube";
import {
  type Application,
  type ApplicationOutcome,
  applicationContent,
  type Message,
  type MessageStamp,
  newMessage,
  objectPath,
  parseApplication,
} from "@skerry/link";
import type { CloudLink, CloudLinkState, DownstreamHandler } from "../../edgehub/cloud-link.ts";

/** A cloud with ConfigMaps in it, and a link that a test cuts: as much as a MetaServer needs. */
export class ScriptedApiCloud implements CloudLink {
  readonly #stamp: MessageStamp;
  readonly #listeners = new Listeners<CloudLinkState>((error) => {
    throw error;
  });
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watches = new Map<string, Application>();
  #state: CloudLinkState;
  #version = 100;
  /** Every application that came, as `<verb> <key>`; `sync` for whole sets of watches. */
  readonly asked: string[] = [];
  /** What the edge acknowledged or refused, as `<operation> <content>`. */
  readonly told: string[] = [];
  /** Refuses what it answers a Status to. */
  refuse: (application: Application) => Status | undefined = () => undefined;
  /** Runs before a list is answered. */
  beforeList: () => Promise<void> = async () => {};
  target: DownstreamHandler | undefined;

  constructor(stamp: MessageStamp) {
    this.#stamp = stamp;
    this.#state = { kind: "connected", sinceMs: stamp.clock.now() };
  }

  get state(): CloudLinkState {
    return this.#state;
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  get version(): string {
    return String(this.#version);
  }

  onState(listener: (state: CloudLinkState) => void): Disposable {
    return this.#listeners.add(listener);
  }

  cut(): void {
    this.#watches.clear();
    this.#state = { kind: "disconnected", sinceMs: this.#stamp.clock.now(), reason: "cut" };
    this.#listeners.emit(this.#state);
  }

  restore(): void {
    this.#state = { kind: "connected", sinceMs: this.#stamp.clock.now() };
    this.#listeners.emit(this.#state);
  }

  /** The cluster is as it was at an older version, without its objects. */
  restoreBackup(version: number): void {
    this.#objects.clear();
    this.#version = version;
  }

  async put(name: string, data: JsonObject = {}, labels: Record<string, string> = {}): Promise<KubernetesObject> {
    const before = this.#objects.get(name);
    const uid = before?.metadata.uid ?? `uid-${++this.#version}`;
    const metadata = { name, namespace: "plant", uid, resourceVersion: String(++this.#version), labels };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data } as KubernetesObject;
    this.#objects.set(name, object);
    await this.#send(before ? "update" : "insert", object, before);
    return object;
  }

  async delete(name: string): Promise<void> {
    const object = this.#objects.get(name);
    if (!object) return;
    this.#objects.delete(name);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    await this.#send("delete", { ...object, metadata }, undefined);
  }

  /** The cloud ends all watches. */
  async endWatches(status: Status): Promise<void> {
    const content: JsonObject = {};
    for (const [id, watch] of this.#watches) content[id] = applicationContent(watch, { kind: "rejected", status });
    this.#watches.clear();
    await this.target?.handle(this.#message("applicationResponse", "watchapp/sync", content));
  }

  send(message: Message): void {
    if (this.#state.kind !== "connected") throw offline();
    this.told.push(`${message.route.operation} ${JSON.stringify(message.content)}`);
  }

  async request(message: Message, _timeoutMs: number, _signal?: AbortSignal): Promise<Message> {
    await Promise.resolve();
    if (this.#state.kind !== "connected") throw offline();
    const session = this.#state;
    const content = await this.#answer(message);
    if (this.#state !== session) throw offline();
    return this.#message("applicationResponse", "ignore/Application/ignore", content);
  }

  async #answer({ route, content }: Message): Promise<JsonValue> {
    if (route.resource === "watchapp/sync") return this.#sync(content);
    const application = parseApplication(content);
    if (!application) throw new Error(`no application: ${JSON.stringify(content)}`);
    this.asked.push(`${application.verb} ${application.key}`);
    return applicationContent(application, await this.#outcome(application));
  }

  #sync(content: JsonValue): JsonValue {
    this.asked.push("sync");
    this.#watches.clear();
    const rejected: JsonObject = {};
    for (const value of isJsonObject(content) ? Object.values(content) : []) {
      const watch = parseApplication(value ?? null);
      if (!watch) throw new Error("no application in the set of watches");
      const status = this.refuse(watch);
      if (status) rejected[watch.id] = applicationContent(watch, { kind: "rejected", status });
      else this.#watches.set(watch.id, watch);
    }
    return rejected;
  }

  async #outcome(application: Application): Promise<ApplicationOutcome> {
    const status = this.refuse(application);
    if (status) return { kind: "rejected", status };
    const { key, verb, requestBody } = application;
    const name = key.split("/")[5] ?? "";
    const approved = (body: unknown): ApplicationOutcome => ({ kind: "approved", responseBody: JSON.stringify(body) });
    if (!key.startsWith("/core/v1/configmaps/")) return approved({ gitVersion: "v1.32.0" });
    switch (verb) {
      case "watch":
        this.#watches.set(application.id, application);
        return { kind: "approved" };
      case "list": {
        await this.beforeList();
        const selector = parseLabelSelector(String(application.option["labelSelector"] ?? ""));
        const items = [...this.#objects.values()].filter(({ metadata }) =>
          matchesLabels(selector, metadata.labels ?? {}),
        );
        const metadata = { resourceVersion: String(this.#version) };
        return approved({ kind: "ConfigMapList", apiVersion: "v1", metadata, items });
      }
      case "create": {
        const body = JSON.parse(requestBody ?? "{}") as KubernetesObject & { data?: JsonObject };
        return approved(await this.put(body.metadata.name, body.data ?? {}));
      }
      case "delete":
        await this.delete(name);
        return approved({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
      default: {
        const found = this.#objects.get(name);
        const missing = failureStatus(404, "NotFound", `configmaps "${name}" not found`);
        return found ? approved(found) : { kind: "rejected", status: missing };
      }
    }
  }

  async #send(operation: string, object: KubernetesObject, before: KubernetesObject | undefined): Promise<void> {
    for (const watch of this.#watches.values()) {
      const selector = parseLabelSelector(String(watch.option["labelSelector"] ?? ""));
      const selects = ({ metadata }: KubernetesObject): boolean => matchesLabels(selector, metadata.labels ?? {});
      if (!selects(object) && !(before && selects(before))) continue;
      const resource = objectPath("plant", "configmap", object.metadata.name);
      const content = object as unknown as JsonValue;
      await this.target?.handle(this.#message(operation, resource, content, object.metadata.resourceVersion));
    }
  }

  #message(operation: string, resource: string, content: JsonValue, resourceVersion = ""): Message {
    const route = { source: "dynamiccontroller", group: "resource", operation, resource };
    return newMessage(this.#stamp, route, content, { resourceVersion });
  }
}

function offline(): SkerryError {
  return new SkerryError({ code: "LINK_DISCONNECTED", message: "The test cut the link", advice: "None." });
}

import { apiVersionOf, type Event, type KubernetesObject, leases, nodes } from "@skerry/api";
import type { Clock, Random } from "@skerry/base";
import { isJsonObject, type JsonObject, type JsonValue, Listeners, type Logger, SkerryError } from "@skerry/base";
import { applyPatch, failureStatus } from "@skerry/kube";
import { type DeliveryName, type Message, newMessage } from "@skerry/link";
import type { CloudLink, CloudLinkState } from "../../edgehub/cloud-link.ts";

/** A cloud as small as Edged needs it: nodes, leases, tokens, whatever objects the test puts there. */
export class ScriptedCloudLink implements CloudLink {
  readonly #ports: { readonly clock: Clock; readonly random: Random };
  readonly #listeners: Listeners<CloudLinkState>;
  #state: CloudLinkState;
  /** Every message that reached the cloud, in order. */
  readonly received: Message[] = [];
  /** Objects by `<namespace>/<type>/<name>`. */
  readonly objects: Map<string, KubernetesObject> = new Map();
  tokensIssued = 0;

  constructor(ports: { readonly clock: Clock; readonly random: Random; readonly logger: Logger }, connected: boolean) {
    this.#ports = ports;
    this.#listeners = new Listeners((error) => ports.logger.error(String(error)));
    this.#state = this.#stateFor(connected);
  }

  get state(): CloudLinkState {
    return this.#state;
  }

  setConnected(connected: boolean, delivery: DeliveryName = "kubeedge"): void {
    this.#state = this.#stateFor(connected, delivery);
    this.#listeners.emit(this.#state);
  }

  onState(listener: (state: CloudLinkState) => void): Disposable {
    return this.#listeners.add(listener);
  }

  send(message: Message): void {
    if (this.#state.kind !== "connected") throw offline();
    this.received.push(message);
  }

  async request(message: Message): Promise<Message> {
    await Promise.resolve();
    this.send(message);
    const { resource } = message.route;
    return newMessage(
      this.#ports,
      { source: "edgecontroller", group: "resource", operation: "response", resource: resource ?? "" },
      this.#answer(message),
    );
  }

  /** Messages about a resource, their route as `operation resource`. */
  routes(): string[] {
    return this.received.map(({ route }) => `${route.operation} ${route.resource}`);
  }

  /** The status in the newest patch of the pod. */
  podStatus(namespace: string, name: string): JsonObject | undefined {
    const patch = this.received.findLast(({ route }) => route.resource === `${namespace}/podpatch/${name}`);
    const body: unknown = patch && JSON.parse(String(patch.content));
    return isJsonObject(body) && isJsonObject(body["status"]) ? body["status"] : undefined;
  }

  /** Reasons of the Events about the object of this name, in order. */
  eventReasons(name: string): string[] {
    return this.eventsOf(name).map(({ reason = "" }) => reason);
  }

  /** Events about the object of this name, in the order in which they came; one that was brought up to date comes again. */
  eventsOf(name: string): Event[] {
    return this.received
      .filter(({ route }) => route.resource?.includes("/event/") === true)
      .map(({ content }) => content)
      .filter(isJsonObject)
      .map((event) => event as unknown as Event)
      .filter(({ involvedObject }) => involvedObject?.name === name);
  }

  #stateFor(connected: boolean, delivery: DeliveryName = "kubeedge"): CloudLinkState {
    const sinceMs = this.#ports.clock.now();
    return connected
      ? { kind: "connected", sinceMs, delivery }
      : { kind: "disconnected", sinceMs, reason: "cut by the test" };
  }

  #answer({ route, content }: Message): JsonValue {
    const { operation, resource = "" } = route;
    const [namespace = "", type = "", name = ""] = resource.split("/");
    const key = `${namespace}/${type.replace(/patch$/, "")}/${name}`;
    const stored = this.objects.get(key);
    switch (type) {
      case "serviceaccounttoken":
        this.tokensIssued++;
        return {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          metadata: { name },
          status: {
            token: `token-${this.tokensIssued}`,
            expirationTimestamp: new Date(this.#ports.clock.now() + 3_600_000).toISOString(),
          },
        };
      case "node":
      case "lease": {
        if (operation === "query") return stored ? answered(stored) : notFound(type, name);
        if (operation === "insert" && stored) return refused(409, "AlreadyExists", `${type} "${name}" already exists`);
        if (operation === "update" && !stored) return notFound(type, name);
        const given = content as unknown as KubernetesObject;
        const { uid = `${type}-uid`, resourceVersion = "1" } = given.metadata;
        // Edges send these without their kind; the API server knows it from the path.
        const kind = type === "node" ? nodes : leases;
        const metadata = { ...given.metadata, uid, resourceVersion };
        const kept = { ...given, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
        this.objects.set(key, kept);
        return answered(kept);
      }
      case "nodepatch":
      case "podpatch": {
        if (!stored) return notFound(type.replace(/patch$/, ""), name);
        const body: unknown = JSON.parse(String(content));
        const patched = applyPatch(stored, { type: "strategic", body: isJsonObject(body) ? body : {} });
        const resourceVersion = String(Number(stored.metadata.resourceVersion ?? 0) + 1);
        const kept = { ...patched, metadata: { ...patched.metadata, resourceVersion } };
        this.objects.set(key, kept);
        return answered(kept);
      }
      default:
        if (operation !== "query") return "OK";
        return stored ? (stored as unknown as JsonObject) : notFound(type, name);
    }
  }
}

function answered(object: KubernetesObject): JsonObject {
  return { Object: object as unknown as JsonObject, Err: null };
}

function notFound(type: string, name: string): JsonObject {
  return refused(404, "NotFound", `${type} "${name}" not found`);
}

function refused(code: number, reason: string, message: string): JsonObject {
  return { Object: null, Err: { ErrStatus: failureStatus(code, reason, message) as unknown as JsonObject } };
}

function offline(): SkerryError {
  return new SkerryError({ code: "LINK_DISCONNECTED", message: "The test cut the link", advice: "None." });
}

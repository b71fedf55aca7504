import type { KubernetesObject, Status } from "@skerry/api";
import { Listeners, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import type { Database } from "@skerry/store";
import type { MetaStore, ObjectChange, ObjectKey } from "../../metamanager/index.ts";
import type { ApiRequest, ApiResponse } from "../api-exchange.ts";
import type { LocalLimits } from "../local-objects.ts";
import { MetaServer } from "../meta-server.ts";
import { ScriptedApiCloud } from "./scripted-api-cloud.ts";

/** What MetaManager holds, set by a test. */
export class ScriptedMetaStore implements MetaStore {
  readonly #objects = new Map<string, { readonly key: ObjectKey; readonly object: KubernetesObject }>();
  readonly #listeners = new Listeners<ObjectChange>((error) => {
    throw error;
  });

  get<T extends KubernetesObject>(key: ObjectKey): T | undefined {
    return this.#objects.get(JSON.stringify(key))?.object as T | undefined;
  }

  list<T extends KubernetesObject>(type: string): T[] {
    return [...this.#objects.values()].filter(({ key }) => key.type === type).map(({ object }) => object as T);
  }

  onChange(listener: (change: ObjectChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  put(type: string, object: KubernetesObject): void {
    const key = { type, namespace: object.metadata.namespace ?? "null", name: object.metadata.name };
    this.#objects.set(JSON.stringify(key), { key, object });
    this.#listeners.emit({ kind: "stored", key, object });
  }

  delete(type: string, object: KubernetesObject): void {
    const key = { type, namespace: object.metadata.namespace ?? "null", name: object.metadata.name };
    this.#objects.delete(JSON.stringify(key));
    this.#listeners.emit({ kind: "deleted", key, object });
  }
}

/** An open watch: what it has brought so far. */
export interface OpenWatch {
  readonly status: number;
  /** As `<type> <name> <version>`. */
  readonly events: string[];
  readonly isOver: () => boolean;
  readonly close: () => Promise<void>;
}

/** A MetaServer with a cloud that a test plays. */
export class MetaWorld implements AsyncDisposable {
  /** Pods of the node that are held, as `namespace/name`. */
  readonly held: Set<string> = new Set();
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom = new SeededRandom(1);
  readonly cloud: ScriptedApiCloud = new ScriptedApiCloud({ clock: this.clock, random: this.random });
  readonly meta: ScriptedMetaStore = new ScriptedMetaStore();
  readonly server: MetaServer;
  hasToken = false;

  constructor(database: Database, limits?: LocalLimits) {
    this.server = new MetaServer({
      releaseHeld: (only) => {
        const released = only
          ? [...this.held].filter((pod) => pod === `${only.namespace}/${only.name}`)
          : [...this.held];
        for (const pod of released) this.held.delete(pod);
        return released.length;
      },
      database,
      meta: this.meta,
      cloudLink: this.cloud,
      nodeName: "edge-1",
      listener: { listen: () => Promise.reject(new Error("the test asks directly")) },
      clock: this.clock,
      random: this.random,
      logger: silentLogger,
      ...(limits ? { limits } : {}),
    });
    this.cloud.target = this.server;
  }

  async ask(method: string, url: string, body = "", headers: Record<string, string> = {}): Promise<ApiResponse> {
    return this.server.answer(this.#request(method, url, body, headers, new AbortController().signal));
  }

  /** The body of an answer that is JSON, with its status and warning. */
  async json<T = Status>(
    method: string,
    url: string,
    body = "",
  ): Promise<{ readonly code: number; readonly body: T; readonly warning: string }> {
    const answer = await this.ask(method, url, body, { "content-type": "application/json" });
    if (typeof answer.body !== "string") throw new Error("the answer is a stream");
    return { code: answer.status, body: JSON.parse(answer.body) as T, warning: answer.headers["warning"] ?? "" };
  }

  /** Names in a list. */
  async names(url: string): Promise<string[]> {
    const { body } = await this.json<{ items: KubernetesObject[] }>("GET", url);
    return body.items.map(({ metadata }) => metadata.name);
  }

  /** `beforeReading` runs when the watch stands, before its client reads. */
  async watch(url: string, beforeReading: () => Promise<void> = async () => {}): Promise<OpenWatch> {
    const gone = new AbortController();
    const answer = await this.server.answer(this.#request("GET", url, "", {}, gone.signal));
    await beforeReading();
    const events: string[] = [];
    let isOver = false;
    const { body } = answer;
    const reading =
      typeof body === "string"
        ? Promise.resolve()
        : (async () => {
            for await (const line of body) events.push(eventText(line));
            isOver = true;
          })();
    await settle();
    const close = async (): Promise<void> => {
      gone.abort();
      await reading;
    };
    return { status: answer.status, events, isOver: () => isOver, close };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }

  #request(
    method: string,
    url: string,
    body: string,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): ApiRequest {
    const [path = "", query = ""] = url.split("?");
    return { method, path, query: new URLSearchParams(query), headers, body, signal, hasToken: this.hasToken };
  }
}

function eventText(line: string): string {
  const { type, object } = JSON.parse(line) as { type: string; object: KubernetesObject & Partial<Status> };
  if (type === "ERROR") return `ERROR ${object.code}`;
  return `${type} ${object.metadata.name} ${object.metadata.resourceVersion}`;
}

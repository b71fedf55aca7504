import type { KubernetesObject } from "@skerry/api";
import { unlessAborted } from "@skerry/base";
import type { MetaStore, ObjectKey } from "./meta-store.ts";
import { formatKey } from "./object-key.ts";

/** Asks the cloud for an object and stores its answer. */
export type ObjectQuery = (key: ObjectKey, signal: AbortSignal) => Promise<KubernetesObject>;

/**
 * The objects that are being asked for, each once however many need it. KubeEdge's CloudCore keeps one message an object
 * for a node: of two answers about one object, or of an answer and a newer version, only the last is sent. So a question
 * is answered as well by the object's arrival in any other message.
 */
export class ObjectFetches {
  readonly #store: Pick<MetaStore, "get" | "onChange">;
  readonly #query: ObjectQuery;
  readonly #running = new Map<string, Promise<KubernetesObject>>();

  constructor(store: Pick<MetaStore, "get" | "onChange">, query: ObjectQuery) {
    this.#store = store;
    this.#query = query;
  }

  /** Waits for the object as long as `signal` allows; others go on waiting. Throws what the query throws. */
  get(key: ObjectKey, signal: AbortSignal | undefined): Promise<KubernetesObject> {
    const name = formatKey(key);
    const running = this.#running.get(name) ?? this.#ask(key, name).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return signal ? unlessAborted(signal, running) : running;
  }

  async #ask(key: ObjectKey, name: string): Promise<KubernetesObject> {
    const arrived = new AbortController();
    using _listening = this.#store.onChange((change) => {
      if (change.kind === "stored" && formatKey(change.key) === name) arrived.abort();
    });
    try {
      return await this.#query(key, arrived.signal);
    } catch (error) {
      const object = arrived.signal.aborted ? this.#store.get(key) : undefined;
      if (object) return object;
      throw error;
    }
  }
}

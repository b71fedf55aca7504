import type { KubernetesObject } from "@skerry/api";
import { compareResourceVersions } from "@skerry/kube";
import { resourceText } from "./api-path.ts";
import type { LocalObjects } from "./local-objects.ts";
import { versionOf } from "./object-table.ts";
import { type Scope, scopePredicate } from "./scope.ts";

/** One line of a watch. */
export interface ObjectEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "ERROR";
  readonly object: object;
}

export interface ObjectWatchOptions {
  readonly local: LocalObjects;
  readonly scope: Scope;
  /** What the client knows already; undefined: nothing, it gets all that is there. */
  readonly version: string | undefined;
  /** Deletions after that version. */
  readonly deletions: readonly KubernetesObject[];
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** What the client was last told of an object. */
interface Told {
  readonly uid: string;
  readonly version: string;
}

/**
 * Follows one scope for one client. What the client was told is compared with what is known, so a client that reads
 * slowly misses steps in between, never a last state, and costs no more than a note for each object.
 */
export class ObjectWatch implements Disposable {
  readonly #options: ObjectWatchOptions;
  readonly #isInScope: (object: KubernetesObject) => boolean;
  readonly #told = new Map<string, Told>();
  /** Objects to look at, with what was last known of them before they changed. */
  readonly #touched = new Map<string, KubernetesObject | undefined>();
  readonly #registration: Disposable;
  /** What comes before all changes. */
  readonly #first: ObjectEvent[];
  #wake: (() => void) | undefined;

  /** @throws ApiError BadRequest for a selector that is none */
  constructor(options: ObjectWatchOptions) {
    this.#options = options;
    this.#isInScope = scopePredicate(options.scope);
    const { local, scope } = options;
    const text = resourceText(scope.resource);
    this.#registration = local.onChange(({ resource, namespace, name, before }) => {
      if (resource !== text || (scope.namespace !== "" && namespace !== scope.namespace)) return;
      const key = `${namespace}/${name}`;
      this.#touched.set(key, before ?? this.#touched.get(key));
      this.#wake?.();
    });
    // At once, so that no change falls between this and the changes that are listened for.
    this.#first = this.#firstEvents();
    options.signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  /** The events, to the end of the watch. */
  async *events(): AsyncGenerator<ObjectEvent> {
    const { signal } = this.#options;
    yield* this.#first.splice(0);
    while (!signal.aborted) {
      for (const [key, before] of this.#touched) {
        this.#touched.delete(key);
        yield* this.#compare(key, before);
      }
      if (this.#touched.size === 0 && !signal.aborted) await this.#untilTouched();
    }
  }

  [Symbol.dispose](): void {
    this.#registration[Symbol.dispose]();
    this.#wake?.();
  }

  #firstEvents(): ObjectEvent[] {
    const { local, scope, version, deletions } = this.#options;
    const events: ObjectEvent[] = deletions
      .filter((object) => this.#isInScope(object))
      .map((object) => ({ type: "DELETED", object }));
    for (const object of local.list(scope.resource, scope.namespace)) {
      if (!this.#isInScope(object)) continue;
      this.#told.set(keyOf(object), toldOf(object));
      if (version === undefined || compareResourceVersions(versionOf(object), version) > 0)
        events.push({ type: "ADDED", object });
    }
    return events;
  }

  *#compare(key: string, before: KubernetesObject | undefined): Generator<ObjectEvent> {
    const { local, scope } = this.#options;
    const slash = key.indexOf("/");
    const found = local.get(scope.resource, key.slice(0, slash), key.slice(slash + 1));
    const now = found && this.#isInScope(found) ? found : undefined;
    const told = this.#told.get(key);
    if (told && now?.metadata.uid !== told.uid) {
      this.#told.delete(key);
      // An object that has left the selection is sent as it is now, as the API server does.
      const last = found?.metadata.uid === told.uid ? found : before;
      yield { type: "DELETED", object: last ?? { metadata: { name: key.slice(slash + 1), uid: told.uid } } };
    }
    if (!now) return;
    const same = told?.uid === now.metadata.uid ? told : undefined;
    if (same && compareResourceVersions(versionOf(now), same.version) <= 0) return;
    this.#told.set(key, toldOf(now));
    yield { type: same ? "MODIFIED" : "ADDED", object: now };
  }

  #untilTouched(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function toldOf(object: KubernetesObject): Told {
  return { uid: object.metadata.uid ?? "", version: versionOf(object) };
}

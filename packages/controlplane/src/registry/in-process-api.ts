import type { KubernetesObject, ObjectList, ResourceReference, Status } from "@skerry/api";
import { type JsonObject, throwIfAborted } from "@skerry/base";
import type {
  CollectionTarget,
  DeleteOptions,
  KubernetesApi,
  ListOptions,
  ObjectTarget,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "@skerry/kube";
import { asJsonObject } from "./api-object.ts";
import type { ApiService, ObjectAt } from "./api-service.ts";
import { systemContext } from "./request-context.ts";

/** The control plane's own way to its API: the same registry, without HTTP, with all rights. */
export class InProcessApi implements KubernetesApi {
  readonly #service: ApiService;

  constructor(service: ApiService) {
    this.#service = service;
  }

  async get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    return as<T>(this.#service.get(this.#at(target)));
  }

  async list<T extends KubernetesObject>(target: CollectionTarget, options: ListOptions = {}): Promise<ObjectList<T>> {
    throwIfAborted(options.signal);
    const list: unknown = this.#service.list(this.#service.definitionOf(target.resource), target.namespace, options);
    return list as ObjectList<T>;
  }

  async *watch<T extends KubernetesObject>(
    target: CollectionTarget,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void> {
    const definition = this.#service.definitionOf(target.resource);
    for await (const event of this.#service.watch(definition, target.namespace, options)) {
      if (event.type === "BOOKMARK") yield { type: "BOOKMARK", resourceVersion: String(event.revision) };
      // The event's own object is shared with other watches; each listener gets a copy that is its own.
      else yield { type: event.type, object: this.#presented<T>(definition.reference, event.text) };
    }
  }

  async create<T extends KubernetesObject>(
    target: CollectionTarget,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    throwIfAborted(options.signal);
    const definition = this.#service.definitionOf(target.resource);
    const context = systemContext(options.dryRun, options.fieldManager);
    return as<T>(await this.#service.create(context, definition, target.namespace ?? "", copy(object)));
  }

  async createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<T> {
    throwIfAborted(options.signal);
    const context = systemContext(options.dryRun, options.fieldManager);
    return as<T>(await this.#service.createSubresource(context, this.#at(target), copy(object)));
  }

  async update<T extends KubernetesObject>(target: ObjectTarget, object: T, options: WriteOptions = {}): Promise<T> {
    throwIfAborted(options.signal);
    return as<T>(
      await this.#service.update(systemContext(options.dryRun, options.fieldManager), this.#at(target), copy(object)),
    );
  }

  async patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options: WriteOptions = {}): Promise<T> {
    throwIfAborted(options.signal);
    return as<T>(
      await this.#service.patch(
        systemContext(options.dryRun, options.fieldManager),
        this.#at(target),
        structuredClone(patch),
      ),
    );
  }

  async delete(target: ObjectTarget, options: DeleteOptions = {}): Promise<KubernetesObject | Status> {
    throwIfAborted(options.signal);
    return this.#service.delete(systemContext(), this.#at(target), options);
  }

  #at(target: ObjectTarget): ObjectAt {
    return {
      definition: this.#service.definitionOf(target.resource),
      namespace: target.namespace ?? "",
      name: target.name,
      ...(target.subresource === undefined ? {} : { subresource: target.subresource }),
    };
  }

  #presented<T extends KubernetesObject>(reference: ResourceReference, text: string): T {
    return as<T>(this.#service.presentText(this.#service.definitionOf(reference), text));
  }
}

function copy(object: KubernetesObject): JsonObject {
  return asJsonObject(structuredClone(object));
}

/** What comes out of the registry has the kind that was asked for. */
function as<T extends KubernetesObject>(object: unknown): T {
  return object as T;
}

import type { ObjectMeta, ResourceReference } from "@skerry/api";

/** What the garbage collector knows of an object. */
export interface GraphObject {
  readonly reference: ResourceReference;
  readonly metadata: ObjectMeta;
}

/** Objects by UID and who depends on whom. */
export class OwnershipGraph {
  readonly #objects = new Map<string, GraphObject>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphObject | undefined {
    return this.#objects.get(uid);
  }

  /** Objects with an owner reference to this UID, whether the owner exists or not. */
  dependentsOf(uid: string): GraphObject[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#objects.get(dependent) ?? []);
  }

  set(object: GraphObject): void {
    const { uid = "" } = object.metadata;
    this.#unlink(uid);
    this.#objects.set(uid, object);
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents) dependents.add(uid);
      else this.#dependents.set(owner.uid, new Set([uid]));
    }
  }

  delete(uid: string): void {
    this.#unlink(uid);
    this.#objects.delete(uid);
  }

  #unlink(uid: string): void {
    for (const owner of this.#objects.get(uid)?.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

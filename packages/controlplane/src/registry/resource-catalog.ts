import type { ResourceDefinition } from "./resource-definition.ts";

/** All resources the API serves at this moment: the built-in ones and those of established CRDs. */
export class ResourceCatalog {
  readonly #builtIn: ReadonlyMap<string, ResourceDefinition>;
  #custom = new Map<string, ResourceDefinition>();
  #version = 1;

  constructor(builtIn: readonly ResourceDefinition[]) {
    this.#builtIn = new Map(builtIn.map((definition) => [pathOf(definition), definition]));
  }

  /** Counts changes, so that what is derived from the catalog knows when to renew itself. */
  get version(): number {
    return this.#version;
  }

  find(group: string, version: string, resource: string): ResourceDefinition | undefined {
    const path = `${group}/${version}/${resource}`;
    return this.#builtIn.get(path) ?? this.#custom.get(path);
  }

  all(): ResourceDefinition[] {
    return [...this.#builtIn.values(), ...this.#custom.values()];
  }

  /** Replaces all custom resources. */
  setCustom(definitions: readonly ResourceDefinition[]): void {
    this.#custom = new Map(definitions.map((definition) => [pathOf(definition), definition]));
    this.#version++;
  }
}

function pathOf({ reference }: ResourceDefinition): string {
  return `${reference.group}/${reference.version}/${reference.resource}`;
}

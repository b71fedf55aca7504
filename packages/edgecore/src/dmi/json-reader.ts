import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/**
 * Reads members of an object that came over the wire; one of a wrong type counts as absent, since one device's mistake
 * must not keep the others from their mapper.
 */
export class JsonReader {
  readonly #object: JsonObject;

  constructor(value: JsonValue | undefined) {
    this.#object = isJsonObject(value) ? value : {};
  }

  get json(): JsonObject {
    return this.#object;
  }

  has(name: string): boolean {
    return isJsonObject(this.#object[name]);
  }

  text(name: string): string {
    const value = this.#object[name];
    return typeof value === "string" ? value : "";
  }

  /** 0 when absent, as protobuf has it. */
  integer(name: string): number {
    const value = this.#object[name];
    return typeof value === "number" && Number.isSafeInteger(value) ? value : 0;
  }

  flag(name: string): boolean {
    return this.#object[name] === true;
  }

  section(name: string): JsonReader {
    return new JsonReader(this.#object[name]);
  }

  sections(name: string): JsonReader[] {
    const list = this.#object[name];
    return Array.isArray(list) ? list.map((item) => new JsonReader(item)) : [];
  }

  texts(name: string): string[] {
    const list = this.#object[name];
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  }

  textMap(name: string): Map<string, string> {
    const entries = Object.entries(this.section(name).json);
    return new Map(
      entries.flatMap(([key, value]): [string, string][] => (typeof value === "string" ? [[key, value]] : [])),
    );
  }
}

import type { ApiObject } from "./api-object.ts";
import { asApiObject } from "./api-object.ts";
import type { ObjectKey } from "./store-session.ts";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** One committed change of one object. */
export class Change {
  readonly revision: number;
  readonly type: ChangeType;
  readonly key: ObjectKey;
  /** The object after the change; of a deletion, its last state. */
  readonly text: string;
  /** The object before the change. */
  readonly previousText: string | undefined;
  #object: ApiObject | undefined;
  #previous: ApiObject | undefined;

  constructor(revision: number, type: ChangeType, key: ObjectKey, text: string, previousText: string | undefined) {
    this.revision = revision;
    this.type = type;
    this.key = key;
    this.text = text;
    this.previousText = previousText;
  }

  /** The object, parsed once for all who look at it: not to be altered. */
  get object(): ApiObject {
    this.#object ??= asApiObject(JSON.parse(this.text));
    return this.#object;
  }

  /** The object before the change, parsed once: not to be altered. */
  get previous(): ApiObject | undefined {
    if (this.previousText === undefined) return undefined;
    this.#previous ??= asApiObject(JSON.parse(this.previousText));
    return this.#previous;
  }
}

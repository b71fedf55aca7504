/** Keeps values unreadable for whoever has the node's database, but not the node's key. */
export interface ValueSeal {
  /** Makes the node's present key known, so that what it sealed can be opened after another has taken its place. */
  load(): Promise<void>;
  /** The value sealed for one place, where alone it can be opened again; undefined while the node has no key. */
  seal(value: string, place: string): Promise<Uint8Array | undefined>;
  /** Undefined when it is damaged, of another place, or sealed with a key that the node has no more. */
  open(sealed: Uint8Array, place: string): Promise<OpenedValue | undefined>;
}

/** What was sealed. */
export interface OpenedValue {
  readonly value: string;
  /** Sealed with the key before the present one, which is known no longer than this process runs. */
  readonly isOfOlderKey: boolean;
}

import { NodeKeySeal } from "../platform/node-key-seal.ts";
import type { ValueSeal } from "../ports.ts";

/** The real seal of a node with a made-up key. */
export function sealOfKey(privateKey: () => Uint8Array = () => new Uint8Array(32)): ValueSeal {
  return new NodeKeySeal(async () => privateKey());
}

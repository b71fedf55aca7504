import { NodeKeySeal } from "../platform/node-key-seal.ts";
import type { ValueSeal } from "../ports.ts";

/** The real seal of a node with a made-up key, or with none. */
export function sealOfKey(privateKey: () => Uint8Array | undefined = () => new Uint8Array(32)): ValueSeal {
  return new NodeKeySeal(async () => privateKey());
}

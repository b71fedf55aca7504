/** Randomness as the logic sees it; seeded in the simulation. */
export interface Random {
  /** A version 4 UUID in lower case. */
  uuid(): string;
  /** A number in [0, 1). */
  float(): number;
  /** `sizeBytes` random bytes; cryptographically strong on the real platform. */
  bytes(sizeBytes: number): Uint8Array;
}

/** An integer in [0, below). */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random.float() * below);
}

/** Kubernetes' alphabet for generated names: no vowels, no look-alikes. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters as Kubernetes appends them to `generateName`. */
export function randomNameSuffix(random: Random, length = 5): string {
  let suffix = "";
  for (let index = 0; index < length; index++) suffix += NAME_ALPHABET[randomInteger(random, NAME_ALPHABET.length)];
  return suffix;
}

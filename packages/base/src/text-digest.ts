/** 64 bits of a text, hex. It finds differences; it does not withstand somebody who looks for a collision. */
export function textDigest(text: string): string {
  return hexOf(textHash(text, 0x2545f491)) + hexOf(textHash(text, 0x811c9dc5));
}

/** FNV-1a over UTF-16 units, 32 bits, unsigned. Stored names and hashes are made of it: it stays as it is. */
export function fnv1a(text: string, seed: number = 0x811c9dc5): number {
  let state = seed;
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}

/** {@link fnv1a} with a final mix, so that similar texts have no similar numbers; 32 bits, unsigned. */
export function textHash(text: string, seed: number): number {
  let state = fnv1a(text, seed);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

/** 32 bits as eight hex digits. */
export function hexOf(value: number): string {
  return value.toString(16).padStart(8, "0");
}

import { isJsonObject, toBase64 } from "@skerry/base";

/** A JSON object as one part of a token. */
export function encodeSegment(value: object): string {
  return toBase64Url(utf8(JSON.stringify(value)));
}

/** The JSON object in a part of a token; undefined when there is none. */
export function decodeSegment(segment: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Base64 for URLs, unpadded. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
}

/** The text's bytes. */
export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

/** Takes as long for a near miss as for a far one, so that a signature cannot be guessed byte by byte. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}

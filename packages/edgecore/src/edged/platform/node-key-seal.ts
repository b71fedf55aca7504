import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { Mutex } from "@skerry/base";
import type { OpenedValue, ValueSeal } from "../ports.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What the key is for, so that no other use of the node's key ever derives the same one. */
const PURPOSE = "skerry edge database values v1";
/** The first byte of everything sealed: version 1 is it, the nonce, the text under AES-256-GCM, the tag. */
const VERSION = 1;
/** The present key and the one before it: what that one sealed is sealed anew while it is still known. */
const KNOWN_KEYS = 2;

interface KnownKey {
  readonly privateKeyDer: Uint8Array;
  readonly derived: Uint8Array;
}

/** Seals with AES-256-GCM under a key that HKDF-SHA256 derives from the node's private key. */
export class NodeKeySeal implements ValueSeal {
  readonly #readPrivateKey: () => Promise<Uint8Array | undefined>;
  /** One read at a time: an older key never comes back after a newer one. */
  readonly #reading = new Mutex();
  /** Newest first. */
  #keys: readonly KnownKey[] = [];

  /** @param readPrivateKey of the node, as it is now; asked each time, because it is renewed with the certificate */
  constructor(readPrivateKey: () => Promise<Uint8Array | undefined>) {
    this.#readPrivateKey = readPrivateKey;
  }

  async load(): Promise<void> {
    await this.#present();
  }

  async seal(value: string, place: string): Promise<Uint8Array | undefined> {
    const key = await this.#present();
    if (!key) return undefined;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, key.derived, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
    const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
    return Buffer.concat([Uint8Array.of(VERSION), nonce, text, cipher.getAuthTag()]);
  }

  async open(sealed: Uint8Array, place: string): Promise<OpenedValue | undefined> {
    const present = await this.#present();
    if (sealed[0] !== VERSION || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) return undefined;
    for (const key of this.#keys) {
      const value = opened(sealed, place, key.derived);
      if (value !== undefined) return { value, isOfOlderKey: key !== present };
    }
    return undefined;
  }

  #present(): Promise<KnownKey | undefined> {
    return this.#reading.run(async () => {
      const privateKeyDer = await this.#readPrivateKey();
      if (!privateKeyDer) return undefined;
      const [present] = this.#keys;
      if (present && isSame(present.privateKeyDer, privateKeyDer)) return present;
      const derived = new Uint8Array(hkdfSync("sha256", privateKeyDer, new Uint8Array(), PURPOSE, KEY_BYTES));
      const next = { privateKeyDer, derived };
      this.#keys = [next, ...this.#keys].slice(0, KNOWN_KEYS);
      return next;
    });
  }
}

function opened(sealed: Uint8Array, place: string, key: Uint8Array): string | undefined {
  const textStart = 1 + NONCE_BYTES;
  const tagStart = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(1, textStart), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(tagStart));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(textStart, tagStart)), decipher.final()]).toString("utf8");
  } catch {
    return undefined; // The tag does not fit: another key, another place, or damage.
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

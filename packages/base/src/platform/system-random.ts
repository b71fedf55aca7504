import { randomBytes, randomUUID } from "node:crypto";
import type { Random } from "../random.ts";

/** The operating system's randomness. */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  float: () => Math.random(),
  bytes: (sizeBytes) => new Uint8Array(randomBytes(sizeBytes)),
};

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../../fixtures/kubernetes");

/** A recording of the real API server, from the repository's fixtures. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as T;
}

/** What a certificate request must at least look like, in base64; no key is in it. */
export const CERTIFICATE_REQUEST: string = btoa(
  "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n",
);

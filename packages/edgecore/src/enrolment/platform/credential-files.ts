import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { certificatePem, decodeCertificates, decodePem, type Pki, privateKeyPem } from "@skerry/pki";
import { readPrivateKeyPem } from "@skerry/pki/platform";
import { type CredentialStore, type NodeCredentials, trustedBy } from "../ports.ts";

/** Paths as in KubeEdge's `modules.edgeHub`: `tlsCaFile`, `tlsCertFile`, `tlsPrivateKeyFile`. */
export interface CredentialPaths {
  readonly authorityFile: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** The present authority, and the next while it changes. */
const MAX_AUTHORITIES = 2;
/** Where a file waits until it takes its place. */
const PREPARED = ".new";
/** Where the key of an enrolment under way is. */
const PENDING = ".pending";
/** Where the id of the token is that the node enrolled with. */
const TOKEN_ID = ".token-id";

/** The node's credentials as PEM files that only their owner can read. */
export class CredentialFiles implements CredentialStore {
  readonly #paths: CredentialPaths;
  readonly #pki: Pick<Pki, "keyMatches">;

  constructor(paths: CredentialPaths, pki: Pick<Pki, "keyMatches">) {
    this.#paths = paths;
    this.#pki = pki;
  }

  get location(): string {
    return this.#paths.certificateFile;
  }

  async read(): Promise<NodeCredentials | undefined> {
    const { authorityFile, certificateFile, privateKeyFile } = this.#paths;
    const [authority, certificate, prepared, key] = await Promise.all(
      [authorityFile, certificateFile, certificateFile + PREPARED, privateKeyFile].map(readIfPresent),
    );
    if (authority === undefined || key === undefined) return undefined;
    const privateKeyDer = readPrivateKeyPem(key);
    const [authorityDer = new Uint8Array(), nextAuthorityDer] = decodeCertificates(authority, MAX_AUTHORITIES);
    // A crash between the two renames of `write` leaves the new key beside a certificate that is still prepared.
    for (const [text, file] of [
      [certificate, certificateFile],
      [prepared, certificateFile + PREPARED],
    ] as const) {
      if (text === undefined) continue;
      const certificateDer = decodePem(text, "CERTIFICATE");
      if (!this.#pki.keyMatches({ certificateDer, privateKeyDer })) continue;
      if (file !== certificateFile) await rename(file, certificateFile);
      return { authorityDer, ...(nextAuthorityDer ? { nextAuthorityDer } : {}), certificateDer, privateKeyDer };
    }
    return undefined;
  }

  async write(credentials: NodeCredentials): Promise<void> {
    const { authorityFile, certificateFile, privateKeyFile } = this.#paths;
    const files = [
      [authorityFile, trustedBy(credentials).map(certificatePem).join("")],
      [certificateFile, certificatePem(credentials.certificateDer)],
      [privateKeyFile, privateKeyPem(credentials.privateKeyDer)],
    ] as const;
    for (const [file, text] of files) await prepare(file, text);
    await rename(authorityFile + PREPARED, authorityFile);
    await rename(privateKeyFile + PREPARED, privateKeyFile);
    await rename(certificateFile + PREPARED, certificateFile);
    await rm(privateKeyFile + PENDING, { force: true });
  }

  /** The private key as it is now, whether or not the certificate beside it fits it. Undefined when there is none. */
  async readPrivateKey(): Promise<Uint8Array | undefined> {
    const key = await readIfPresent(this.#paths.privateKeyFile);
    return key === undefined ? undefined : readPrivateKeyPem(key);
  }

  readTokenId(): Promise<string | undefined> {
    return readIfPresent(this.#paths.certificateFile + TOKEN_ID);
  }

  writeTokenId(id: string): Promise<void> {
    return replace(this.#paths.certificateFile + TOKEN_ID, id);
  }

  async readPendingKey(): Promise<Uint8Array | undefined> {
    const text = await readIfPresent(this.#paths.privateKeyFile + PENDING);
    try {
      return text === undefined ? undefined : readPrivateKeyPem(text);
    } catch {
      return undefined; // Damaged: a new key is made.
    }
  }

  async writePendingKey(privateKeyDer: Uint8Array): Promise<void> {
    await replace(this.#paths.privateKeyFile + PENDING, privateKeyPem(privateKeyDer));
  }
}

/** Writes and syncs the text beside the file that it will replace. */
async function prepare(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await using handle = await open(file + PREPARED, "w", 0o600);
  await handle.chmod(0o600);
  await handle.writeFile(text);
  await handle.sync();
}

async function replace(file: string, text: string): Promise<void> {
  await prepare(file, text);
  await rename(file + PREPARED, file);
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

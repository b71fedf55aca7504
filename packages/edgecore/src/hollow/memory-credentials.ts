import type { CredentialStore, NodeCredentials } from "../enrolment/index.ts";

/** A node's credentials that end with the process. */
export class MemoryCredentials implements CredentialStore {
  readonly location = "the memory of this process";
  #credentials: NodeCredentials | undefined;
  #tokenId: string | undefined;
  #pendingKeyDer: Uint8Array | undefined;

  async read(): Promise<NodeCredentials | undefined> {
    return this.#credentials;
  }

  async write(credentials: NodeCredentials): Promise<void> {
    this.#credentials = credentials;
    this.#pendingKeyDer = undefined;
  }

  async readTokenId(): Promise<string | undefined> {
    return this.#tokenId;
  }

  async writeTokenId(id: string): Promise<void> {
    this.#tokenId = id;
  }

  async readPendingKey(): Promise<Uint8Array | undefined> {
    return this.#pendingKeyDer;
  }

  async writePendingKey(privateKeyDer: Uint8Array): Promise<void> {
    this.#pendingKeyDer = privateKeyDer;
  }
}

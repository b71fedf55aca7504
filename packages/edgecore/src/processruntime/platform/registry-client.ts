import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { isSkerryError } from "@skerry/base";
import type { RegistryCredentials } from "../../edged/ports.ts";
import { imageInvalid, pullFailed } from "../errors.ts";
import { type Descriptor, MANIFEST_TYPES, type Manifest, parseJson, readManifest } from "../image-manifest.ts";
import { type ImageReference, isThisMachine, parseImageReference, registryUrl } from "../image-reference.ts";
import { goArchitecture } from "./architecture.ts";
import type { ImageStore } from "./image-store.ts";
import { IncomingLayers } from "./incoming-layers.ts";

const REQUEST_TIMEOUT_MS = 60_000;
const LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024;
const LARGEST_LAYER_BYTES = 8 * 1024 ** 3;

/**
 * Pulls an image into the store by the OCI distribution protocol: without credentials, with a token that the registry
 * sends for, or with a name and password. Each part is checked against its digest. Returns the image's id.
 * @param incoming told what has arrived
 * @throws SkerryError `PROCESS_RUNTIME_PULL_FAILED`, `PROCESS_RUNTIME_IMAGE_INVALID`
 */
export async function pullImage(
  image: string,
  credentials: RegistryCredentials | undefined,
  store: ImageStore,
  incoming: IncomingLayers = new IncomingLayers(),
  signal?: AbortSignal,
): Promise<string> {
  const reference = parseImageReference(image);
  const registry = new Registry(reference, credentials, signal);
  try {
    const manifest = await registry.manifest(reference.version);
    const config = await registry.document(`blobs/${manifest.config.digest}`, manifest.config.digest);
    using pulled = incoming.begin(manifest.layers);
    const layers = manifest.layers.map(
      (layer) => () => registry.layer(layer, (bytes) => pulled.received(layer, bytes)),
    );
    return await store.add({ image, config, layers }, [image], signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw isSkerryError(error) ? error : pullFailed(image, "the registry cannot be used", error);
  }
}

class Registry {
  readonly #reference: ImageReference;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #signal: AbortSignal | undefined;
  #authorization: string | undefined;

  constructor(reference: ImageReference, credentials: RegistryCredentials | undefined, signal?: AbortSignal) {
    this.#reference = reference;
    this.#credentials = credentials;
    this.#signal = signal;
  }

  /** The manifest for this machine, at most one index deep. */
  async manifest(version: string, isNested = false): Promise<Manifest> {
    const { name } = this.#reference;
    const digest = version.startsWith("sha256:") ? version : undefined;
    const text = (await this.document(`manifests/${version}`, digest)).toString("utf8");
    const read = readManifest(name, text, goArchitecture());
    if (read.kind === "manifest") return read.manifest;
    if (isNested) throw imageInvalid(name, "its index names another index");
    return this.manifest(read.chosen.digest, true);
  }

  /** A small document, checked against its digest when it is known. */
  async document(path: string, digest: string | undefined): Promise<Buffer> {
    const content = await this.#content(await this.#get(path), "a description of it");
    if (digest !== undefined && digestOf(content) !== digest)
      throw imageInvalid(this.#reference.name, `what came for ${digest} is something else`);
    return content;
  }

  /** A small body. */
  async #content(response: Response, what: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > LARGEST_DOCUMENT_BYTES) throw imageInvalid(this.#reference.name, `${what} is too large`);
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  }

  /** A layer's bytes; the stream fails at its end when they are not those of the digest. */
  async layer({ digest, sizeBytes }: Descriptor, onBytes: (bytes: number) => void): Promise<Readable> {
    if (sizeBytes > LARGEST_LAYER_BYTES) throw imageInvalid(this.#reference.name, `the layer ${digest} is too large`);
    const { body } = await this.#get(`blobs/${digest}`);
    const { name } = this.#reference;
    return Readable.from(
      (async function* checked(): AsyncGenerator<Buffer> {
        const hash = createHash("sha256");
        let bytes = 0;
        for await (const chunk of body ?? []) {
          bytes += chunk.length;
          if (bytes > sizeBytes) throw imageInvalid(name, `the layer ${digest} is longer than it says`);
          hash.update(chunk);
          onBytes(chunk.length);
          yield Buffer.from(chunk);
        }
        if (`sha256:${hash.digest("hex")}` !== digest) throw imageInvalid(name, `the layer ${digest} is damaged`);
      })(),
    );
  }

  async #get(path: string): Promise<Response> {
    const url = `${registryUrl(this.#reference)}/v2/${this.#reference.repository}/${path}`;
    let response = await this.#fetch(url, this.#authorization);
    if (response.status === 401 && this.#authorization === undefined) {
      await response.body?.cancel();
      this.#authorization = await this.#authorize(response.headers.get("www-authenticate") ?? "");
      response = await this.#fetch(url, this.#authorization);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    const { name } = this.#reference;
    if (response.status === 404) throw pullFailed(name, `${name}: not found`);
    if (response.status === 401 || response.status === 403)
      throw pullFailed(name, `the registry refuses it (${response.status}): the pull secret is missing or wrong`);
    throw pullFailed(name, `the registry answered ${response.status}`);
  }

  /** What the registry's challenge asks for. */
  async #authorize(challenge: string): Promise<string | undefined> {
    const basic =
      this.#credentials &&
      `Basic ${Buffer.from(`${this.#credentials.username}:${this.#credentials.password}`).toString("base64")}`;
    if (!/^bearer\s/i.test(challenge)) return basic;
    const parameter = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const realm = parameter("realm");
    const { name, repository } = this.#reference;
    if (realm === undefined || !URL.canParse(realm)) throw pullFailed(name, "the registry names no place for tokens");
    const url = new URL(realm);
    // A password goes to no place that anybody on the way could read.
    if (basic !== undefined && url.protocol !== "https:" && !isThisMachine(url.hostname))
      throw pullFailed(name, `the registry wants the password at ${url.origin}, which is not https`);
    const service = parameter("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", parameter("scope") ?? `repository:${repository}:pull`);
    const response = await this.#fetch(url.href, basic);
    if (!response.ok) {
      await response.body?.cancel();
      throw pullFailed(name, `the registry gives no token (${response.status})`);
    }
    const answer = parseJson(name, (await this.#content(response, "the registry's token")).toString("utf8"));
    const token = answer["token"] ?? answer["access_token"];
    if (typeof token !== "string") throw pullFailed(name, "the registry's answer has no token");
    return `Bearer ${token}`;
  }

  /** The time limit is for the answer to begin: a layer may take long. */
  async #fetch(url: string, authorization: string | undefined): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error("no answer in time")), REQUEST_TIMEOUT_MS);
    try {
      return await fetch(url, {
        headers: { accept: [...MANIFEST_TYPES, "*/*"].join(", "), ...(authorization ? { authorization } : {}) },
        signal: this.#signal ? AbortSignal.any([this.#signal, limit.signal]) : limit.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

import { imageInvalid } from "./errors.ts";

/** What a manifest says of one of its parts. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** An image's manifest: its configuration and its layers, the lowest first. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** How an image wants to be run. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  /** `1000`, `nginx`, `1000:1000`, or empty. */
  readonly user: string;
  /** `SIGTERM` or a number, or empty. */
  readonly stopSignal: string;
  /** Digests of the unpacked layers. */
  readonly layerDigests: readonly string[];
}

/** More layers than any builder makes. */
const MAX_LAYERS = 256;
export const DIGEST: RegExp = /^sha256:[0-9a-f]{64}$/;

/** What a registry may be asked for. */
export const MANIFEST_TYPES: readonly string[] = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * Reads a manifest, or an index of several: then the one for this machine's architecture is named.
 * @param architecture as Go names it: `amd64`, `arm64`
 * @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID`
 */
export function readManifest(
  image: string,
  text: string,
  architecture: string,
):
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly chosen: Descriptor } {
  const json = parseJson(image, text);
  if (Array.isArray(json["manifests"]))
    return { kind: "index", chosen: choose(image, json["manifests"], architecture) };
  const layers = json["layers"];
  if (!Array.isArray(layers) || layers.length > MAX_LAYERS)
    throw imageInvalid(image, "its manifest does not list its layers");
  const manifest = {
    config: descriptor(image, json["config"]),
    layers: layers.map((layer) => descriptor(image, layer)),
  };
  return { kind: "manifest", manifest };
}

/** @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID` */
export function readImageConfig(image: string, text: string): ImageConfig {
  const json = parseJson(image, text);
  const config = isObject(json["config"]) ? json["config"] : {};
  const rootfs = isObject(json["rootfs"]) ? json["rootfs"] : {};
  return {
    entrypoint: strings(config["Entrypoint"]),
    command: strings(config["Cmd"]),
    environment: strings(config["Env"]),
    workingDirectory: textOf(config["WorkingDir"]),
    user: textOf(config["User"]),
    stopSignal: textOf(config["StopSignal"]),
    layerDigests: strings(rootfs["diff_ids"]),
  };
}

/** A JSON object, or the image's error. */
export function parseJson(image: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw imageInvalid(image, "a part that should be JSON is not", error);
  }
  if (!isObject(value)) throw imageInvalid(image, "a part that should be a JSON object is not");
  return value;
}

function choose(image: string, entries: readonly unknown[], architecture: string): Descriptor {
  const objects = entries.filter(isObject);
  const fitting = objects.find(({ platform }) => {
    const { os, architecture: of } = isObject(platform) ? platform : {};
    return os === "linux" && of === architecture;
  });
  // What Node.js runs is the same everywhere.
  const module = objects.find(
    ({ platform }) => isObject(platform) && /^wasm(32)?$/.test(textOf(platform["architecture"])),
  );
  // An archive of one image may leave its platform out.
  const alone = objects.length === 1 && objects[0]?.["platform"] === undefined ? objects[0] : undefined;
  const chosen = fitting ?? module ?? alone;
  if (!chosen) throw imageInvalid(image, `it has nothing for linux/${architecture}`);
  return descriptor(image, chosen);
}

function descriptor(image: string, value: unknown): Descriptor {
  const { mediaType, digest, size } = isObject(value) ? value : {};
  if (typeof digest !== "string" || !DIGEST.test(digest))
    throw imageInvalid(image, "a part of it has no sha256 digest");
  const sizeBytes = Number(size);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw imageInvalid(image, "a part of it has no size");
  return { mediaType: textOf(mediaType), digest, sizeBytes };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

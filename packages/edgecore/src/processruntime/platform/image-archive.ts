import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isSkerryError } from "@skerry/base";
import { extract } from "tar-stream";
import { imageInvalid } from "../errors.ts";
import { type Descriptor, DIGEST, isObject, parseJson, readManifest } from "../image-manifest.ts";
import { parseImageReference } from "../image-reference.ts";
import { goArchitecture } from "./architecture.ts";
import type { ImageSource, ImageStore } from "./image-store.ts";
import { unpacked } from "./unpacked.ts";

/** The files of an archive, unpacked beside each other under names of their own. */
type ArchiveFiles = ReadonlyMap<string, string>;

const LARGEST_ARCHIVE_BYTES = 16 * 1024 ** 3;
const MOST_FILES = 10_000;
const LARGEST_JSON_BYTES = 4 * 1024 * 1024;
const MOST_IMAGES = 100;

/**
 * Loads an OCI or docker archive, as `docker save` and `skopeo copy … oci-archive:` write them, into the store. Returns
 * the names of the images in it.
 * @param scratch a folder for the archive's files while they are read
 * @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID`
 */
export async function loadImageArchive(path: string, store: ImageStore, scratch: string): Promise<string[]> {
  const folder = await mkdtemp(join(scratch, "archive-"));
  try {
    const files = await readFiles(path, folder);
    const found = files.has("index.json") ? await ociImages(path, files) : await dockerImages(path, files);
    const names: string[] = [];
    for (const { source, names: own } of found) {
      const id = await store.add(source, own);
      names.push(...(own.length > 0 ? own.map((name) => parseImageReference(name).name) : [id]));
    }
    return names;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface FoundImage {
  readonly source: ImageSource;
  readonly names: readonly string[];
}

async function ociImages(archive: string, files: ArchiveFiles): Promise<FoundImage[]> {
  const index = parseJson(archive, await textOf(archive, files, "index.json"));
  const entries = Array.isArray(index["manifests"]) ? index["manifests"].filter(isObject).slice(0, MOST_IMAGES) : [];
  const found: FoundImage[] = [];
  for (const entry of entries) {
    const digest = String(entry["digest"]);
    if (!DIGEST.test(digest)) throw imageInvalid(archive, "its index names something without a sha256 digest");
    const annotations = isObject(entry["annotations"]) ? entry["annotations"] : {};
    const name = annotations["io.containerd.image.name"] ?? wholeName(annotations["org.opencontainers.image.ref.name"]);
    const manifest = await ociManifest(archive, files, digest);
    const blob = ({ digest: of }: Descriptor): string => fileOf(archive, files, `blobs/sha256/${of.slice(7)}`);
    found.push({
      names: typeof name === "string" && name !== "" ? [name] : [],
      source: {
        image: typeof name === "string" ? name : archive,
        config: await checked(archive, blob(manifest.config), manifest.config.digest),
        layers: manifest.layers.map((layer) => () => checkedStream(archive, blob(layer), layer.digest)),
      },
    });
  }
  return found;
}

/** Some builders put only a tag there. */
function wholeName(name: unknown): unknown {
  return typeof name === "string" && /[/:]/.test(name) ? name : undefined;
}

async function ociManifest(
  archive: string,
  files: ArchiveFiles,
  digest: string,
): Promise<{ readonly config: Descriptor; readonly layers: readonly Descriptor[] }> {
  const file = fileOf(archive, files, `blobs/sha256/${digest.slice(7)}`);
  const text = (await checked(archive, file, digest)).toString("utf8");
  const read = readManifest(archive, text, goArchitecture());
  return read.kind === "manifest" ? read.manifest : ociManifest(archive, files, read.chosen.digest);
}

async function dockerImages(archive: string, files: ArchiveFiles): Promise<FoundImage[]> {
  let entries: unknown;
  try {
    entries = JSON.parse(await textOf(archive, files, "manifest.json"));
  } catch (error) {
    throw isSkerryError(error) ? error : imageInvalid(archive, "its manifest.json is no JSON", error);
  }
  const found: FoundImage[] = [];
  for (const entry of (Array.isArray(entries) ? entries : []).filter(isObject).slice(0, MOST_IMAGES)) {
    const layers = Array.isArray(entry["Layers"]) ? entry["Layers"].map(String) : [];
    const names = Array.isArray(entry["RepoTags"]) ? entry["RepoTags"].map(String) : [];
    found.push({
      names,
      source: {
        image: names[0] ?? archive,
        config: await small(archive, fileOf(archive, files, String(entry["Config"]))),
        layers: layers.map((layer) => async () => createReadStream(fileOf(archive, files, layer))),
      },
    });
  }
  return found;
}

/** Puts the archive's files into a folder under numbers: their own names never become paths. */
async function readFiles(path: string, folder: string): Promise<ArchiveFiles> {
  const files = new Map<string, string>();
  const archive = extract();
  let leftBytes = LARGEST_ARCHIVE_BYTES;
  const feeding = unpacked(createReadStream(path))
    .then((plain) => pipeline(plain, archive))
    .catch((error: unknown) => {
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    });
  feeding.catch(() => undefined); // Awaited below.
  try {
    for await (const entry of archive) {
      const { name, type, size } = entry.header;
      leftBytes -= size;
      if (leftBytes < 0 || files.size >= MOST_FILES) throw imageInvalid(path, "the archive holds too much");
      if (type === "file") {
        const target = join(folder, String(files.size));
        await pipeline(entry, createWriteStream(target, { flags: "wx", mode: 0o600 }));
        files.set(name.replace(/^\.\//, ""), target);
      }
      entry.resume();
    }
    await feeding;
  } catch (error) {
    archive.destroy();
    throw isSkerryError(error) ? error : imageInvalid(path, "it is no tar archive that can be read", error);
  }
  return files;
}

function fileOf(archive: string, files: ArchiveFiles, name: string): string {
  const found = files.get(name);
  if (found === undefined) throw imageInvalid(archive, `the archive has no ${name.slice(0, 200)}`);
  return found;
}

async function textOf(archive: string, files: ArchiveFiles, name: string): Promise<string> {
  return (await small(archive, fileOf(archive, files, name))).toString("utf8");
}

async function small(archive: string, file: string): Promise<Buffer> {
  if ((await stat(file)).size > LARGEST_JSON_BYTES) throw imageInvalid(archive, "a description in it is too large");
  return readFile(file);
}

async function checked(archive: string, file: string, digest: string): Promise<Buffer> {
  const content = await small(archive, file);
  if (`sha256:${createHash("sha256").update(content).digest("hex")}` !== digest)
    throw imageInvalid(archive, `the part ${digest} is damaged`);
  return content;
}

/** Read twice: what is unpacked has been checked whole. */
async function checkedStream(archive: string, file: string, digest: string): Promise<Readable> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  if (`sha256:${hash.digest("hex")}` !== digest) throw imageInvalid(archive, `the layer ${digest} is damaged`);
  return createReadStream(file);
}

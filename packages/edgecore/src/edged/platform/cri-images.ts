import type { IncomingPart, ListedImage } from "../ports.ts";
import { eachField } from "./message-fields.ts";

/** CRI's ListImagesResponse: `images = 1`. */
export function listedImages(bytes: Uint8Array): ListedImage[] {
  const images: ListedImage[] = [];
  eachField(bytes, (number, reader) => {
    if (number !== 1) return false;
    images.push(readImage(reader.bytes()));
    return true;
  });
  return images;
}

/** Image: id = 1, repo_tags = 2, repo_digests = 3, size = 4, pinned = 8. */
function readImage(bytes: Uint8Array): ListedImage {
  const repoTags: string[] = [];
  const repoDigests: string[] = [];
  let [id, sizeBytes, pinned] = ["", 0, false];
  eachField(bytes, (number, reader) => {
    if (number === 1) id = reader.string();
    else if (number === 2) repoTags.push(reader.string());
    else if (number === 3) repoDigests.push(reader.string());
    else if (number === 4) sizeBytes = Number(reader.uint64());
    else if (number === 8) pinned = reader.bool();
    else return false;
    return true;
  });
  return { id, repoTags, repoDigests, sizeBytes, pinned };
}

/** ListStatusesResponse of containerd's content service: statuses = 1; there ref = 3, offset = 4, total = 5. */
export function incomingParts(bytes: Uint8Array): IncomingPart[] {
  const parts: IncomingPart[] = [];
  eachField(bytes, (number, reader) => {
    if (number !== 1) return false;
    let [ref, receivedBytes, totalBytes] = ["", 0, 0];
    eachField(reader.bytes(), (inner, status) => {
      if (inner === 3) ref = status.string();
      else if (inner === 4) receivedBytes = Number(status.int64());
      else if (inner === 5) totalBytes = Number(status.int64());
      else return false;
      return true;
    });
    parts.push({ ref, receivedBytes, totalBytes });
    return true;
  });
  return parts;
}

/** CRI's ImageFsInfoResponse: image_filesystems = 1, there fs_id = 2, there mountpoint = 1. */
export function imageMountpoint(bytes: Uint8Array): string | undefined {
  return textAt(bytes, [1, 2, 1]);
}

/** The image of pods' sandboxes, out of a verbose StatusResponse (info = 2); empty when the runtime does not say. */
export function sandboxImage(bytes: Uint8Array): string {
  return /"sandboxImage":"([^"]*)"/.exec(containerdConfig(bytes))?.[1] ?? "";
}

/**
 * Whether the runtime takes the folder of a control group, out of a verbose StatusResponse: containerd does unless its
 * configuration says that systemd makes the groups, whose names are others.
 */
export function takesGroupFolders(bytes: Uint8Array): boolean {
  const config = containerdConfig(bytes);
  return config.includes('"containerd":') && !/"SystemdCgroup": ?true/i.test(config);
}

/** As JSON text; empty when the runtime does not say. */
function containerdConfig(bytes: Uint8Array): string {
  let found = "";
  eachField(bytes, (number, reader) => {
    if (number !== 2) return false;
    const entry = reader.bytes();
    if (textAt(entry, [1]) === "config") found = textAt(entry, [2]) ?? "";
    return true;
  });
  return found;
}

/** The first text that the path of field numbers leads to. */
function textAt(bytes: Uint8Array, [wanted, ...deeper]: readonly number[]): string | undefined {
  let found: string | undefined;
  eachField(bytes, (number, reader, wireType) => {
    if (number !== wanted || wireType !== 2 || found !== undefined) return false;
    if (deeper.length === 0) found = reader.string();
    else found = textAt(reader.bytes(), deeper);
    return true;
  });
  return found;
}

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { imageArchiveInvalid } from "../errors.ts";
import { lastLines, tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** The namespace in which the container runtime interface looks for images. */
const KUBERNETES_NAMESPACE = "k8s.io";
/** Large images on slow disks take minutes. */
const IMPORT_TIMEOUT_MS = 30 * 60_000;

/**
 * Loads an OCI or docker archive into the node's containerd. Returns the references of the images in it. Throws
 * SKERRY_IMAGE_ARCHIVE_INVALID.
 */
export async function loadImage(archive: string, socketPath: string, parts: SystemParts): Promise<readonly string[]> {
  if (!existsSync(archive)) throw imageArchiveInvalid(archive, "there is no such file");
  if (!looksLikeArchive(archive)) throw imageArchiveInvalid(archive, "it is not a tar file");
  const ctr = [parts.ctr, "--address", socketPath, "--namespace", KUBERNETES_NAMESPACE];
  const result = await tryCommand([...ctr, "images", "import", "--no-unpack", archive], {
    environment: parts.environment,
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
  if (result.status !== 0) throw imageArchiveInvalid(archive, lastLines(result.stderr));
  return [...result.stdout.matchAll(/^unpacking (\S+)|^(\S+)\s+saved/gm)].map((match) => match[1] ?? match[2] ?? "");
}

/** tar has its name at byte 257; gzip begins with 1f 8b and is unpacked by containerd. */
function looksLikeArchive(path: string): boolean {
  const head = Buffer.alloc(512);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.subarray(257, 262).toString("latin1") === "ustar" || (head[0] === 0x1f && head[1] === 0x8b);
}

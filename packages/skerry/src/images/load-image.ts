import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { diskFull, imageArchiveInvalid } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { lastLines, tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** The namespace in which the container runtime interface looks for images. */
const KUBERNETES_NAMESPACE = "k8s.io";
/** Large images on slow disks take minutes. */
const IMPORT_TIMEOUT_MS = 30 * 60_000;

/**
 * Loads an OCI or docker archive into the node's containerd. Returns the references of the images in it. Throws
 * SKERRY_IMAGE_ARCHIVE_INVALID, SKERRY_DISK_FULL.
 */
export async function loadImage(
  archive: string,
  containerd: { readonly socketPath: string; readonly configFile: string },
  parts: SystemParts,
): Promise<readonly string[]> {
  checkArchive(archive);
  const ctr = [parts.ctr, "--address", containerd.socketPath, "--namespace", KUBERNETES_NAMESPACE];
  const snapshotter = /^snapshotter = "(\w+)"$/m.exec(readFileSync(containerd.configFile, "utf8"))?.[1] ?? "overlayfs";
  // It is unpacked at once, so that the first pod starts faster; only then ctr tells the images' names.
  const result = await tryCommand([...ctr, "images", "import", "--snapshotter", snapshotter, archive], {
    environment: parts.environment,
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
  if (/no space left on device/i.test(result.stderr))
    throw diskFull(`No space is left on the disk for the image ${archive}`);
  if (result.status !== 0) throw imageArchiveInvalid(archive, lastLines(result.stderr));
  return [...result.stdout.matchAll(/^unpacking (\S+)|^(\S+)\s+saved/gm)].map((match) => match[1] ?? match[2] ?? "");
}

/**
 * Looks at the file's first bytes: tar has its name at byte 257; gzip begins with 1f 8b and is unpacked by containerd.
 * Throws SKERRY_IMAGE_ARCHIVE_INVALID.
 */
export function checkArchive(path: string): void {
  const head = Buffer.alloc(512);
  try {
    const file = openSync(path, "r");
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw imageArchiveInvalid(path, fileProblem(error));
  }
  const isTar = head.subarray(257, 262).toString("latin1") === "ustar";
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!isTar && !isGzip) throw imageArchiveInvalid(path, "it is not a tar file");
}

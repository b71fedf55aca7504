import { isAbsolute, join, normalize } from "node:path";
import { pathEscapes } from "../errors.ts";
import type { FileSystem } from "../ports.ts";

const DEFAULT_FOLDER_MODE = 0o755;

/**
 * The host path of a `subPath` within a volume, made as a folder when it is not there. It must stay in the volume even
 * after all symlinks are followed: the volume's content may come from someone who may not read the host.
 * @throws `EDGED_PATH_ESCAPES`
 */
export async function resolveSubPath(files: FileSystem, volumePath: string, subPath: string): Promise<string> {
  if (isAbsolute(subPath) || normalize(subPath).split("/").includes("..")) throw pathEscapes(subPath, volumePath);
  const root = (await files.realPath(volumePath)) ?? volumePath;
  const wanted = join(root, subPath);
  let existing = wanted;
  let resolved = await files.realPath(existing);
  // The deepest part that exists decides: what is made below it cannot be a symlink.
  while (resolved === undefined && existing !== root) {
    existing = join(existing, "..");
    resolved = await files.realPath(existing);
  }
  if (resolved === undefined || (resolved !== root && !resolved.startsWith(`${root}/`)))
    throw pathEscapes(subPath, volumePath);
  const target = join(resolved, wanted.slice(existing.length));
  // As open as the volume itself: whoever may write there may write here.
  if (existing !== wanted) await files.makeDirectory(target, (await files.status(root))?.mode ?? DEFAULT_FOLDER_MODE);
  return target;
}

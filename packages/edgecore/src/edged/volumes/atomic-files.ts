import { dirname, join, normalize, sep } from "node:path";
import { pathEscapes } from "../errors.ts";
import type { FileSystem } from "../ports.ts";

/** A file that a volume shows. */
export interface ProjectedFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Left out: root's. */
  readonly groupId?: number;
}

/** Files by their path within the volume. */
export type Projection = ReadonlyMap<string, ProjectedFile>;

const DATA_LINK = "..data";
const NEXT_LINK = "..data_tmp";
const FOLDER_MODE = 0o755;

/**
 * Makes `directory` show exactly these files, with their modes and groups, all at once: the files are written into a fresh folder, then the symlink
 * `..data` is swapped to it, so that a reader sees either all old or all new ones (the kubelet's own layout). Returns
 * whether anything changed.
 * @throws `EDGED_PATH_ESCAPES`
 */
export async function writeProjection(files: FileSystem, directory: string, projection: Projection): Promise<boolean> {
  for (const path of projection.keys()) checkInside(path, directory);
  await files.makeDirectory(directory, FOLDER_MODE);
  const current = await files.readLink(join(directory, DATA_LINK));
  if (current !== undefined && (await shows(files, join(directory, current), projection))) return false;

  const fresh = nextFolder(current);
  const freshPath = join(directory, fresh);
  await files.remove(freshPath);
  await files.makeDirectory(freshPath, FOLDER_MODE);
  for (const [path, file] of projection) {
    const target = join(freshPath, path);
    if (path.includes(sep)) await files.makeDirectory(dirname(target), FOLDER_MODE);
    await files.writeFile(target, file.data, file.mode);
    if (file.groupId !== undefined) await files.setGroup(target, file.groupId, file.mode);
  }
  await files.remove(join(directory, NEXT_LINK));
  await files.symlink(fresh, join(directory, NEXT_LINK));
  await files.rename(join(directory, NEXT_LINK), join(directory, DATA_LINK));
  await linkVisibleNames(files, directory, projection);
  await removeOldFolders(files, directory, fresh);
  return true;
}

/** What the volume shows now; undefined when it was never written. */
export async function readProjected(
  files: FileSystem,
  directory: string,
  path: string,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  checkInside(path, directory);
  return files.readFile(join(directory, DATA_LINK, path), limitBytes);
}

function checkInside(path: string, directory: string): void {
  const normal = normalize(path);
  if (path === "" || normal.startsWith("/") || normal === ".." || normal.startsWith("../") || normal.startsWith(".."))
    throw pathEscapes(path, directory);
}

/** Two names in turn are enough: the one that is not shown is free. */
function nextFolder(current: string | undefined): string {
  return current === "..version-a" ? "..version-b" : "..version-a";
}

async function shows(files: FileSystem, folder: string, projection: Projection): Promise<boolean> {
  const present = await filesBelow(files, folder, "");
  if (present.length !== projection.size) return false;
  for (const path of present) {
    const wanted = projection.get(path);
    if (!wanted) return false;
    const status = await files.status(join(folder, path));
    if (status?.mode !== wanted.mode || (status.groupId !== undefined && status.groupId !== (wanted.groupId ?? 0)))
      return false;
    const data = await files.readFile(join(folder, path), wanted.data.length + 1);
    if (!data || !sameBytes(data, wanted.data)) return false;
  }
  return true;
}

async function filesBelow(files: FileSystem, folder: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.listDirectory(join(folder, prefix))) {
    const path = join(prefix, name);
    const status = await files.status(join(folder, path));
    if (status?.kind === "directory") found.push(...(await filesBelow(files, folder, path)));
    else if (status) found.push(path);
  }
  return found;
}

async function linkVisibleNames(files: FileSystem, directory: string, projection: Projection): Promise<void> {
  const visible = new Set([...projection.keys()].map((path) => path.split(sep)[0] ?? path));
  for (const name of await files.listDirectory(directory))
    if (!name.startsWith("..") && !visible.has(name)) await files.remove(join(directory, name));
  for (const name of visible)
    if ((await files.status(join(directory, name))) === undefined)
      await files.symlink(join(DATA_LINK, name), join(directory, name));
}

async function removeOldFolders(files: FileSystem, directory: string, fresh: string): Promise<void> {
  for (const name of await files.listDirectory(directory))
    if (name.startsWith("..") && name !== fresh && name !== DATA_LINK) await files.remove(join(directory, name));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

import { invalidPod } from "../errors.ts";
import type { FileStatus, FileSystem } from "../ports.ts";

const KINDS: Readonly<Record<string, readonly FileStatus["kind"][]>> = {
  Directory: ["directory"],
  DirectoryOrCreate: ["directory"],
  File: ["file"],
  FileOrCreate: ["file"],
  Socket: ["socket"],
  CharDevice: ["character-device"],
  BlockDevice: ["block-device"],
};

/**
 * Checks (and for `…OrCreate` makes) what a hostPath volume names.
 * @throws `EDGED_INVALID_POD` when something else is there
 */
export async function prepareHostPath(files: FileSystem, path: string, type: string): Promise<string> {
  if (!path.startsWith("/")) throw invalidPod("hostPath.path", `"${path}" is not an absolute path`);
  if (path.split("/").includes("..")) throw invalidPod("hostPath.path", `"${path}" contains '..'`);
  if (type === "") return path;
  const allowed = KINDS[type];
  if (!allowed) throw invalidPod("hostPath.type", `there is no type ${type}`);
  const real = await files.realPath(path);
  if (real === undefined) {
    if (type === "DirectoryOrCreate") await files.makeDirectory(path, 0o755);
    else if (type === "FileOrCreate") await files.writeFile(path, new Uint8Array(), 0o644);
    else throw invalidPod("hostPath", `${path} does not exist (type ${type})`);
    return path;
  }
  const status = await files.status(real);
  if (!status || !allowed.includes(status.kind))
    throw invalidPod("hostPath", `${path} is not of type ${type} but ${status?.kind ?? "gone"}`);
  return path;
}

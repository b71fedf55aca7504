import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Where system programs live though a user's PATH often leaves them out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The folders of PATH, then the usual system folders. */
export function programFolders(path: string = process.env["PATH"] ?? ""): string[] {
  return [...new Set([...path.split(":").filter((folder) => folder.startsWith("/")), ...SYSTEM_FOLDERS])];
}

/** The first folder's executable of that name, or undefined. */
export function findProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

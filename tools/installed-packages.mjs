// Plain JavaScript, because the launcher has to start on any Node.js the host has.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The packages of package-lock.json that node_modules lacks or has in another version, as after a `git pull`. Those of
 * other platforms do not count. Looks closer only when the lockfile is newer than the installation.
 *
 * @param {string} root the workspace's folder
 * @returns {string[] | undefined} undefined when nothing is installed at all
 */
export function missingPackages(root) {
  const lockFile = join(root, "package-lock.json");
  const installedFile = join(root, "node_modules", ".package-lock.json");
  try {
    if (statSync(lockFile).mtimeMs <= statSync(installedFile).mtimeMs) return [];
  } catch {
    return undefined;
  }
  const wanted = JSON.parse(readFileSync(lockFile, "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.entries(wanted)
    .filter(([path, { optional, version }]) => {
      if (!path.startsWith("node_modules/") || optional) return false;
      return installed[path] === undefined || installed[path].version !== version;
    })
    .map(([path]) => path.slice("node_modules/".length));
}

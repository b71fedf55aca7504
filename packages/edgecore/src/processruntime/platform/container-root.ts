import { open, readlink, stat, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { DNSConfig } from "../../edged/platform/generated/cri.ts";
import { resolvConfText } from "../../edged/pod/name-resolution.ts";
import { startFailed } from "../errors.ts";
import { isWasmModule } from "../wasm-module.ts";
import type { StoredImage } from "./image-store.ts";

const LARGEST_FILE_BYTES = 256 * 1024;
const MAX_LINKS = 40;

/** A text file of an image; empty when it is not there. */
export async function imageText(image: StoredImage, path: string): Promise<string> {
  const real = await realPath(image.rootFolder, path);
  if (real === undefined) return "";
  const file = await open(real, "r").catch(() => undefined);
  if (!file) return "";
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LARGEST_FILE_BYTES), 0, LARGEST_FILE_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Refuses a command that the image does not have, in the words that users know. What may come from a volume is left to the
 * start.
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function checkCommand(
  image: StoredImage,
  [program = ""]: readonly string[],
  folders: readonly string[],
  workingDirectory: string,
  mounts: readonly string[],
): Promise<void> {
  if (program === "") throw startFailed("no command specified: neither the pod nor the image says what to run");
  // `env`, which starts it, would take it for a variable.
  if (program.includes("=")) throw startFailed(`exec: "${program}": a command with "=" in its name cannot be run`);
  const isWasm = isWasmModule([program]);
  const isPath = program.includes("/") || isWasm;
  const paths = isPath
    ? [isAbsolute(program) ? program : join(workingDirectory, program)]
    : folders.map((folder) => join(folder, program));
  if (paths.some((path) => mounts.some((mount) => path === mount || path.startsWith(`${mount}/`)))) return;
  for (const path of paths) {
    const real = await realPath(image.rootFolder, path);
    const found = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (found?.isFile() && (isWasm || (found.mode & 0o111) !== 0)) return;
    if (found?.isFile() && isPath) throw startFailed(`exec: "${program}": permission denied`);
  }
  const reason = isPath ? `stat ${program}: no such file or directory` : "executable file not found in $PATH";
  throw startFailed(`exec: "${program}": ${reason}`);
}

/** Where a path of an image really is, its links followed below the image's root. */
async function realPath(root: string, path: string): Promise<string | undefined> {
  let real: string[] = [];
  const open = path.split("/").filter((part) => part !== "" && part !== ".");
  let links = 0;
  for (let part = open.shift(); part !== undefined; part = open.shift()) {
    if (part === "..") {
      real.pop();
      continue;
    }
    const target = await readlink(join(root, ...real, part)).catch(() => undefined);
    if (target === undefined) {
      real.push(part);
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    if (target.startsWith("/")) real = [];
    open.unshift(...target.split("/").filter((each) => each !== "" && each !== "."));
  }
  return join(root, ...real);
}

/** Writes the resolv.conf of a pod that brings its own. */
export async function writeResolvConf(
  path: string,
  { servers = [], searches = [], options = [] }: DNSConfig,
): Promise<void> {
  await writeFile(path, resolvConfText({ servers, searches, options }), { mode: 0o644 });
}

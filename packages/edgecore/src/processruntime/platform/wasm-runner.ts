import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { INNER_BUSYBOX } from "../scripts.ts";
import { INNER_NODE_FOLDER, libraryName, WASI_HELPER } from "../wasm-module.ts";
import type { BindMount } from "./launch-container.ts";

/** Runs WebAssembly modules in containers: this same Node.js, which the container sees with the libraries it needs. */
export interface WasmRunner {
  readonly mounts: readonly BindMount[];
  /** What stands before the module's path. */
  readonly words: readonly string[];
}

const OPTIONS = ["--disable-warning=ExperimentalWarning"];

/**
 * Finds out what this Node.js is made of.
 * @param script WASI_SCRIPT
 */
export async function findWasmRunner(script: string): Promise<WasmRunner> {
  const program = await realpath(process.execPath);
  const inner = (name: string): string => join(INNER_NODE_FOLDER, name);
  const libraries = await Promise.all((await loadedLibraries(program)).map(nameLibrary));
  const mounts = [
    { from: program, to: inner("node") },
    { from: script, to: inner("wasi.mjs") },
    ...libraries.map(({ path, name }) => ({ from: path, to: inner(name) })),
  ];
  // The image has none of these libraries, not even the one that loads the others.
  const loader = libraries.find(({ name }) => name.startsWith("ld"));
  const loading = loader ? [inner(loader.name), "--library-path", INNER_NODE_FOLDER] : [];
  return {
    mounts: mounts.map((mount) => ({ ...mount, isReadOnly: true })),
    words: [...loading, inner("node"), ...OPTIONS, inner("wasi.mjs")],
  };
}

/** The command of a container that runs a module. @param isFirst whether it would be the first process there */
export function wasmCommand(runner: WasmRunner, words: readonly string[], isFirst: boolean): string[] {
  const helper = isFirst ? [INNER_BUSYBOX, "sh", "-c", WASI_HELPER, "helper"] : [];
  return [...helper, ...runner.words, ...words];
}

/** The libraries that this process has in memory. */
async function loadedLibraries(program: string): Promise<string[]> {
  const maps = await readFile("/proc/self/maps", "utf8");
  const paths = [...maps.matchAll(/^\S+ ..x. \S+ \S+ \S+ +(\/.+)$/gm)].map(([, path = ""]) => path);
  return [...new Set(paths)].filter((path) => path !== program && /\.so(\.|$)/.test(basename(path)));
}

async function nameLibrary(path: string): Promise<{ readonly path: string; readonly name: string }> {
  const file = basename(path);
  const folder = dirname(path);
  const begin = file.split(/[-.]/)[0] ?? "";
  const links: string[] = [];
  for (const name of await readdir(folder))
    if (name.startsWith(begin) && name !== file && (await realpath(join(folder, name)).catch(() => "")) === path)
      links.push(name);
  return { path, name: libraryName(file, links) };
}

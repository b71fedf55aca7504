/** Where containers that run a WebAssembly module see the Node.js that runs it, with its libraries. */
export const INNER_NODE_FOLDER = "/dev/.skerry/node";

/** Whether a command is a WebAssembly module, which the kernel does not run. */
export function isWasmModule([program = ""]: readonly string[]): boolean {
  return program.endsWith(".wasm");
}

/**
 * The name by which programs look for a library.
 * @param file its own name: `libstdc++.so.6.0.30`, `libc-2.31.so`
 * @param links names beside it that lead to it
 */
export function libraryName(file: string, links: readonly string[]): string {
  return [file, ...links].find((name) => /\.so\.\d+$/.test(name)) ?? file;
}

/** Stands before the module's Node.js: as a first process that would hear no signals it has not asked for. */
export const WASI_HELPER = '"$@"; exit $?';

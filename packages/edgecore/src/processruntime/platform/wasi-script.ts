/**
 * Runs a WASI module (preview 1) as Node.js' program: standard streams, arguments and environment are its own, and it may
 * open all files that the container sees. Arguments: the module's path, its arguments.
 */
export const WASI_SCRIPT = `import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [path, ...parameters] = process.argv.slice(2);
const fail = (reason) => {
  console.error(\`\${path}: \${reason}\`);
  process.exit(126);
};
const wasi = new WASI({
  version: "preview1",
  args: [path, ...parameters],
  env: process.env,
  preopens: { "/": "/", ".": "." },
  returnOnExit: true,
});
const module = await readFile(path).then((bytes) => WebAssembly.compile(bytes)).catch((error) => fail(error.message));
const missing = WebAssembly.Module.imports(module).find(({ module: from }) => from !== "wasi_snapshot_preview1");
if (missing) fail(\`it needs \${missing.module}.\${missing.name}; only WASI preview 1 is here\`);
const instance = await WebAssembly.instantiate(module, wasi.getImportObject()).catch((error) => fail(error.message));
if (typeof instance.exports._start !== "function") fail("it has no _start: it is a library, not a program");
process.exitCode = wasi.start(instance);
`;

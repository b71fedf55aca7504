import assert from "node:assert/strict";
import { test } from "node:test";
import { isWasmModule, libraryName } from "./wasm-module.ts";

test("a library is found by the name that programs look for", () => {
  assert.equal(libraryName("libstdc++.so.6.0.30", ["libstdc++.so.6"]), "libstdc++.so.6");
  assert.equal(libraryName("libc-2.31.so", ["libc.so.6"]), "libc.so.6");
  assert.equal(libraryName("ld-linux-x86-64.so.2", ["ld.so"]), "ld-linux-x86-64.so.2");
  assert.equal(libraryName("libodd.so", []), "libodd.so");
});

test("a command is a WebAssembly module by its name, its arguments are not", () => {
  assert.equal(isWasmModule(["/app.wasm", "x"]), true);
  assert.equal(isWasmModule(["wasmtime", "app.wasm"]), false);
  assert.equal(isWasmModule([]), false);
});

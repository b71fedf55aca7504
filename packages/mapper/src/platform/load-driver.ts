import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describeError } from "@skerry/base";
import { type Driver, isDriver } from "../driver.ts";
import { noDriver } from "../errors.ts";

/** This package's public entry: beside this file in the shipped form, which is one bundle. */
const ownEntry = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "./mapper.js", import.meta.url).href;

/**
 * The driver of a TypeScript or JavaScript file. Its `@skerry/mapper` is this one, wherever the file is, so that a
 * driver needs no package installed beside it.
 * @throws `MAPPER_NO_DRIVER`
 */
export async function loadDriver(file: string): Promise<Driver> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "@skerry/mapper" ? { url: ownEntry, shortCircuit: true } : next(specifier, context),
  });
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown };
  } catch (error) {
    throw noDriver(file, describeError(error));
  } finally {
    hooks.deregister();
  }
  if (!isDriver(loaded.default)) throw noDriver(file, "its default export is none");
  return loaded.default;
}

import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describeError } from "@skerry/base";
import { type Driver, isDriver } from "../driver.ts";
import { noDriver } from "../errors.ts";

/** This package's public entry: beside this file in the shipped form, which is one bundle. */
const ownEntry = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "./mapper.js", import.meta.url).href;

/** A driver, and the files that make it. */
export interface LoadedDriver {
  readonly driver: Driver;
  /** Its own and those that it imports, without packages. */
  readonly files: readonly string[];
}

/**
 * The driver of a TypeScript or JavaScript file. Its `@skerry/mapper` is this one, wherever the file is, so that a
 * driver needs no package installed beside it.
 * @throws `MAPPER_NO_DRIVER`
 */
export async function loadDriver(file: string): Promise<Driver> {
  return (await loadDriverFiles(file, 0)).driver;
}

/**
 * The same; each generation reads the files anew, since Node.js reads a module of one address only once.
 * @throws `MAPPER_NO_DRIVER` naming file and line
 */
export async function loadDriverFiles(file: string, generation: number): Promise<LoadedDriver> {
  const files = new Set<string>([resolve(file)]);
  const mark = `?generation=${generation}`;
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "@skerry/mapper") return { url: ownEntry, shortCircuit: true };
      const found = next(specifier, context);
      const isOwn = found.url.startsWith("file:") && !found.url.includes("/node_modules/");
      if (!isOwn || !context.parentURL?.endsWith(mark)) return found;
      files.add(fileURLToPath(found.url));
      return { ...found, url: `${found.url}${mark}` };
    },
  });
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(`${pathToFileURL(resolve(file)).href}${mark}`)) as { readonly default?: unknown };
  } catch (error) {
    const place = placeOf(error);
    throw noDriver(file, `${place === undefined ? "" : `${place}: `}${describeError(error)}`);
  } finally {
    hooks.deregister();
  }
  if (!isDriver(loaded.default)) throw noDriver(file, "its default export is none");
  return { driver: loaded.default, files: [...files] };
}

/** `FILE:LINE` of the first place outside of Node.js and packages that an error's stack names. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const places = (error.stack ?? "").matchAll(/(?:file:\/\/)?(\/[^\s():?]+\.[cm]?[jt]s)(?:\?[^\s:)]*)?:(\d+)/g);
  for (const [, path = "", line = ""] of places)
    if (!path.includes("/node_modules/")) return `${decodeURI(path)}:${line}`;
  return undefined;
}

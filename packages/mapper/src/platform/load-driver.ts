import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describeError } from "@skerry/base";
import { type Driver, isDriver } from "../driver.ts";
import { noDriver } from "../errors.ts";

/** The driver of a TypeScript or JavaScript file. @throws `MAPPER_NO_DRIVER` */
export async function loadDriver(file: string): Promise<Driver> {
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown };
  } catch (error) {
    throw noDriver(file, describeError(error));
  }
  if (!isDriver(loaded.default)) throw noDriver(file, "its default export is none");
  return loaded.default;
}

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { driverNotFound } from "../../errors.ts";

/**
 * The file of a driver: a path as it is; a name such as `modbus` is the package `@skerry/driver-modbus`, installed for
 * the current folder or beside Skerry.
 * @throws `SKERRY_DRIVER_NOT_FOUND`
 */
export function findDriver(name: string): string {
  const isName = /^[a-z][a-z0-9-]*$/.test(name);
  if (existsSync(resolve(name))) return name;
  if (!isName) throw driverNotFound(name);
  const places = [pathToFileURL(resolve("driver.js")).href, import.meta.url];
  for (const place of places)
    try {
      return createRequire(place).resolve(`@skerry/driver-${name}`);
    } catch {
      // Not there.
    }
  throw driverNotFound(name);
}

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { folderNotEmpty, usageError } from "../../errors.ts";
import { shippedFolder } from "../../resources.ts";
import { print } from "../../terminal.ts";
import { EXIT_OK } from "../command.ts";
import { scaffold } from "./scaffold.ts";

export const newHelp: string = `skerry mapper new NAME [--folder PATH]

Writes a driver to begin with, that already runs and passes \`skerry mapper test\`: driver.ts, model.yaml, device.yaml,
package.json, tsconfig.json, README.md.

  --folder PATH   where; by default a new folder NAME

Examples:
  skerry mapper new thermostat
  skerry mapper new thermostat --folder .
`;

/** `skerry mapper new NAME`. @throws `SKERRY_FOLDER_NOT_EMPTY` */
export async function newMapper(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: { folder: { type: "string" } },
    allowPositionals: true,
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usageError("Use `skerry mapper new NAME`");
  // It becomes the name of Kubernetes objects, of a protocol and of a package.
  if (!/^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$/.test(name))
    throw usageError(`${JSON.stringify(name)} is no name: small letters, digits and dashes, at most 52`);
  const folder = resolve(values.folder ?? name);
  const files = scaffold(name, shippedFolder("packages/mapper"));
  const inTheWay = existsSync(folder) ? readdirSync(folder).filter((file) => files.has(file)) : [];
  if (inTheWay.length > 0) throw folderNotEmpty(folder, inTheWay);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of files) writeFileSync(join(folder, file), content);
  print(`${folder}: ${[...files.keys()].join(", ")}`);
  print(`Try it: cd ${values.folder ?? name} && skerry mapper test driver.ts`);
  return EXIT_OK;
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./architecture/source-files.ts";

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test("the lockfile has each platform's optional packages, also those that this machine's registry may not know", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {}).filter((name) => {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      return !places.some((place) => lock.packages[place] !== undefined);
    }),
  );
  assert.deepEqual(missing, [], "`npm ci` refuses a lockfile in which one is missing");
});

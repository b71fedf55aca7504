import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

// The launcher's parts are plain JavaScript without types.
const moduleUrl = new URL("installed-packages.mjs", import.meta.url).href;
const { missingPackages }: { missingPackages: (root: string) => string[] | undefined } = await import(moduleUrl);

/** A folder with a lockfile, and with an installation of the given age relative to it. */
function workspace(context: TestContext, wanted: object, installed?: object, installedAfterSeconds = -10): string {
  const root = mkdtempSync(join(tmpdir(), "skerry-installed-"));
  context.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: wanted }));
  if (installed) {
    const file = join(root, "node_modules", ".package-lock.json");
    mkdirSync(join(root, "node_modules"));
    writeFileSync(file, JSON.stringify({ packages: installed }));
    const seconds = Date.now() / 1000 + installedAfterSeconds;
    utimesSync(file, seconds, seconds);
  }
  return root;
}

const ws = { version: "8.0.0" };

test("a clone without node_modules has nothing installed", (context) => {
  assert.equal(missingPackages(workspace(context, { "node_modules/ws": ws })), undefined);
});

test("packages that a newer lockfile adds or changes are missing, those of other platforms are not", (context) => {
  const wanted = {
    "": {},
    "packages/base": { version: "0.1.0" },
    "node_modules/@skerry/base": { link: true },
    "node_modules/@skerry/new": { link: true },
    "node_modules/changed": { version: "2.0.0" },
    "node_modules/other-platform": { version: "1.0.0", optional: true },
    "node_modules/ws": ws,
  };
  const installed = {
    "node_modules/@skerry/base": { link: true },
    "node_modules/changed": { version: "1.0.0" },
    "node_modules/ws": ws,
  };
  assert.deepEqual(missingPackages(workspace(context, wanted, installed)), ["@skerry/new", "changed"]);
  assert.deepEqual(missingPackages(workspace(context, installed, installed)), []);
});

test("an installation that is newer than the lockfile is not looked at", (context) => {
  assert.deepEqual(missingPackages(workspace(context, { "node_modules/ws": ws }, {}, 10)), []);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root, sourceFiles } from "./source-files.ts";

/** Which package may import which: docs/architecture.md, "Layers". */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  api: ["base"],
  store: ["base"],
  pki: ["base"],
  grpc: ["base"],
  dmi: ["base", "grpc"],
  mapper: ["base", "grpc", "dmi"],
  kube: ["base", "api"],
  link: ["base", "api"],
  streams: ["base"],
  controlplane: ["base", "api", "store", "pki", "kube", "streams"],
  cloudcore: ["base", "api", "store", "pki", "kube", "link", "streams"],
  edgecore: ["base", "api", "store", "pki", "kube", "link", "streams", "grpc", "dmi"],
  skerry: [
    "base",
    "api",
    "store",
    "pki",
    "kube",
    "link",
    "streams",
    "grpc",
    "dmi",
    "mapper",
    "controlplane",
    "cloudcore",
    "edgecore",
  ],
};

/** Hollow nodes have an entry of their own, so that a real EdgeCore does not load them. */
const ENTRIES = ["", "/platform", "/testing", "/hollow/platform"];

test("every package imports only the layers below it, through their public entries", () => {
  const wrong: string[] = [];
  for (const file of sourceFiles()) {
    const allowed = mayImport[file.packageName];
    if (!allowed) {
      wrong.push(`${file.path}: package ${file.packageName} is not in the layer table`);
      continue;
    }
    for (const specifier of file.imports) {
      const scoped = /^@skerry\/([a-z]+)(.*)$/.exec(specifier);
      if (scoped) {
        const [, target = "", entry = ""] = scoped;
        if (!allowed.includes(target)) wrong.push(`${file.path}: imports ${specifier}`);
        if (!ENTRIES.includes(entry)) wrong.push(`${file.path}: imports the inside of ${specifier}`);
        if (entry === "/testing" && !file.isTest) wrong.push(`${file.path}: imports ${specifier} outside a test`);
      }
      if (specifier.startsWith(".")) {
        const up = specifier.split("/").filter((part) => part === "..").length;
        const depth = file.path.split("/").length - 4;
        if (up > depth) wrong.push(`${file.path}: reaches out of its package with ${specifier}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("every package declares exactly the workspace packages that the layer table allows and it imports", () => {
  const files = sourceFiles();
  for (const [name, allowed] of Object.entries(mayImport)) {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    const declared = Object.keys(manifest.dependencies ?? {})
      .filter((dependency) => dependency.startsWith("@skerry/"))
      .map((dependency) => dependency.slice("@skerry/".length));
    for (const dependency of declared) assert.ok(allowed.includes(dependency), `${name} declares ${dependency}`);
    const used = new Set(
      files
        .filter((file) => file.packageName === name)
        .flatMap((file) => file.imports)
        .flatMap((specifier) => /^@skerry\/([a-z]+)/.exec(specifier)?.[1] ?? []),
    );
    for (const dependency of used) assert.ok(declared.includes(dependency), `${name} imports ${dependency} undeclared`);
  }
});

test("every package declares the outside packages that its product code imports, and no others", () => {
  const files = sourceFiles();
  for (const name of Object.keys(mayImport)) {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    const imported = new Set(
      files
        .filter((file) => file.packageName === name && !file.isTest)
        .flatMap((file) => file.imports)
        .filter((specifier) => !/^(\.|node:|@skerry\/)/.test(specifier))
        .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier),
    );
    const declared = Object.keys(manifest.dependencies ?? {}).filter((dependency) => !/^@skerry\//.test(dependency));
    assert.deepEqual(declared.sort(), [...imported].sort(), `dependencies of ${name}`);
  }
});

// In the bundle a CommonJS package has only a default export for who imports it dynamically; run from source it has all.
test("outside packages are imported dynamically only through a module of our own", () => {
  const found = sourceFiles()
    .filter(({ isTest }) => !isTest)
    .flatMap(({ path, code }) =>
      [...code.matchAll(/\bimport\(\s*"((?!\.|node:|@skerry\/)[^"]+)"\s*\)(?!\.[A-Z])/g)].map(
        ([, name]) => `${path}: ${name}`,
      ),
    );
  assert.deepEqual(found, []);
});

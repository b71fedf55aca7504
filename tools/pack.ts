// `node tools/with-node.mjs tools/pack.ts [FOLDER]`: bundles the shipped form and writes it as npm tarballs into FOLDER
// (dist/): `skerry`, `@skerry/cloudcore`, `@skerry/edgecore`. Each is plain JavaScript without dependencies to install
// but, for machines with an older Node.js, the per-platform Node.js. And `@skerry/driver-…` of each driver.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { type NodeOptions, serverNode, smallNode } from "../packages/skerry/src/node-options.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = resolve(root, process.argv[2] ?? "dist");

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly description: string;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface DriverManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** One package as it is shipped. */
interface ShippedPackage {
  readonly name: string;
  /** The command it brings, and its entry. */
  readonly command: string;
  readonly entry: string;
  /** Modules that users' files import, by the name of their file in `dist`. */
  readonly modules?: Readonly<Record<string, string>>;
  readonly description: string;
  /** Folders of the repository that are shipped too. */
  readonly folders: readonly string[];
  /** How Node.js runs it. */
  readonly node: NodeOptions;
}

const packages: readonly ShippedPackage[] = [
  {
    name: "skerry",
    command: "skerry",
    entry: "packages/skerry/src/main.ts",
    modules: { mapper: "packages/mapper/src/index.ts" },
    description: "Containers and IoT devices on edge nodes that keep working offline, managed with kubectl",
    folders: ["examples/app", "examples/thermometer"],
    node: { options: [], environment: {} }, // It starts its parts as each of them needs it.
  },
  {
    name: "@skerry/cloudcore",
    command: "cloudcore",
    entry: "packages/skerry/src/entries/cloudcore.ts",
    description: "Skerry's cloud part",
    folders: [],
    node: serverNode,
  },
  {
    name: "@skerry/edgecore",
    command: "edgecore",
    entry: "packages/skerry/src/entries/edgecore.ts",
    description: "Skerry's part on an edge node",
    folders: [],
    node: smallNode,
  },
];

/**
 * Node.js's own modules, of each only what is named by an import. An `import` left to Node.js, or a namespace object made
 * of all names, reads each export, also those that load on first use: `node:util` alone would load the workers, and
 * `node:http` the whole of `fetch`, 5 MB.
 */
const builtinsOnUse: Plugin = {
  name: "builtins-on-use",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
      isBuiltin(path) && kind !== "require-call" ? { path, namespace: "builtin" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({ contents: builtinText(path) }));
  },
};

/** A module whose exports are read only where something imports them: the bundler drops the others. */
function builtinText(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[A-Za-z_]\w*$/.test(name));
  return [
    `const builtin = process.getBuiltinModule(${JSON.stringify(path)});`,
    "const read = (name) => builtin[name];",
    "export default builtin;",
    ...names
      .filter((name) => name !== "default")
      .map((name) => `const own_${name} = /* @__PURE__ */ read("${name}"); export { own_${name} as ${name} };`),
  ].join("\n");
}

/** For CommonJS packages in the bundle, which ask only for Node.js's modules; `createRequire` would load one more. */
const REQUIRE = [
  "const require = (name) => {",
  "const found = process.getBuiltinModule(name);",
  "if (found) return found;",
  'throw new Error("Cannot find module " + name);',
  "};",
].join(" ");

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
for (const shipped of packages) process.stdout.write(`${await pack(shipped)}\n`);
for (const driver of globSync("mappers/*/package.json", { cwd: root }).sort())
  process.stdout.write(`${await packDriver(dirname(driver))}\n`);

/** The bundler gives each module its banner, though few ask for another; dozens of them would stay in memory. */
function dropUnusedBanner(path: string): void {
  const rest = readFileSync(path, "utf8").replace(`${REQUIRE}\n`, "");
  if (!/\brequire\b/.test(rest)) writeFileSync(path, rest);
}

/** Bundles one package and returns the path of its tarball. */
async function pack(shipped: ShippedPackage): Promise<string> {
  const folder = join(output, shipped.command);
  await build({
    entryPoints: Object.fromEntries(
      Object.entries({ main: shipped.entry, ...shipped.modules }).map(([name, path]) => [name, join(root, path)]),
    ),
    outdir: join(folder, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Source text stays in memory, so what only browsers need is left out: Node.js has its own streams and timers.
    alias: {
      "readable-stream": "node:stream",
      "worker-timers": "node:timers",
      debug: join(root, "tools/no-debug.cjs"),
      "lru-cache": join(root, "tools/no-lru-cache.cjs"),
    },
    define: { navigator: "undefined" }, // Asking for it loads Node.js's.
    plugins: [builtinsOnUse],
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: true,
    legalComments: "linked",
    logLevel: "warning",
    banner: { js: REQUIRE },
  });
  for (const name of globSync("*.js", { cwd: join(folder, "dist") })) dropUnusedBanner(join(folder, "dist", name));
  for (const path of shipped.folders) cpSync(join(root, path), join(folder, path), { recursive: true });
  if (shipped.modules?.["mapper"] !== undefined) writeMapperSdk(join(folder, "packages/mapper"));
  const launcher = join(folder, "bin", shipped.command);
  mkdirSync(dirname(launcher), { recursive: true });
  writeFileSync(launcher, launcherText(shipped.node), { mode: 0o755 });
  writePackage(folder, {
    name: shipped.name,
    version: manifest.version,
    description: shipped.description,
    license: manifest.license,
    type: "module",
    bin: { [shipped.command]: `bin/${shipped.command}` },
    engines: { node: ">=20" },
    os: ["linux"],
    files: ["bin", "dist", "packages", ...shipped.folders],
    optionalDependencies: manifest.optionalDependencies,
  });
  return npmPack(folder, shipped.name);
}

/** A driver with what it imports of its own; the protocol's library is installed beside it, Skerry brings the SDK. */
async function packDriver(path: string): Promise<string> {
  const own = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")) as DriverManifest;
  const { "@skerry/mapper": _sdk, ...dependencies } = own.dependencies;
  const folder = join(output, path);
  await build({
    entryPoints: [join(root, path, "driver.ts")],
    outfile: join(folder, "driver.js"),
    bundle: true,
    external: Object.keys(own.dependencies),
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
  });
  const { name, version, description, license } = own;
  writePackage(folder, {
    ...{ name, version, description, license, dependencies },
    type: "module",
    exports: "./driver.js",
    files: ["driver.js"],
  });
  return npmPack(folder, name);
}

function writePackage(folder: string, description: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(description, null, 2)}\n`);
}

/** Returns the path of the tarball. */
function npmPack(folder: string, name: string): string {
  const packed = spawnSync("npm", ["pack", "--json", "--pack-destination", output], { cwd: folder, encoding: "utf8" });
  if (packed.status !== 0) throw new Error(`npm pack ${name}: ${packed.stderr}`);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  return join(output, filename);
}

/**
 * `@skerry/mapper` as drivers outside of the repository see it: the code is the one in `dist`, the type declarations are
 * those of the packages that it is made of, side by side.
 */
function writeMapperSdk(folder: string): void {
  const types = join(folder, "types");
  const project = join(output, "mapper-types.json");
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        emitDeclarationOnly: true,
        rootDir: join(root, "packages"),
        outDir: types,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [],
      files: [join(root, "packages/mapper/src/index.ts")],
    }),
  );
  const emitted = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", project], { encoding: "utf8" });
  if (emitted.status !== 0) throw new Error(`declarations of @skerry/mapper: ${emitted.stdout}`);
  rmSync(project);
  for (const path of globSync("**/*.d.ts", { cwd: types })) {
    const up = "../".repeat(path.split("/").length - 1);
    const text = readFileSync(join(types, path), "utf8")
      .replace(/(["'])@skerry\/([a-z]+)\1/g, `"${up}$2/src/index.js"`)
      .replace(/(["']\.{1,2}\/[^"']+)\.ts(["'])/g, "$1.js$2");
    writeFileSync(join(types, path), text);
  }
  writeFileSync(join(folder, "index.js"), 'export * from "../../dist/mapper.js";\n');
  const exported = { types: "./types/mapper/src/index.d.ts", default: "./index.js" };
  writePackage(folder, {
    name: "@skerry/mapper",
    version: manifest.version,
    type: "module",
    exports: { ".": exported },
  });
}

/** The launcher with a package's options for Node.js. */
function launcherText({ options, environment }: NodeOptions): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  return readFileSync(join(root, "tools", "shipped-launcher.sh"), "utf8")
    .replace("@ENVIRONMENT@", variables.join("\n"))
    .replace("@NODE_OPTIONS@ ", options.map((option) => `${option} `).join(""));
}

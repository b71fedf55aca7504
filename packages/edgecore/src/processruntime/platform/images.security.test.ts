import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { isSkerryError } from "@skerry/base";
import { incomingParts } from "../../edged/platform/cri-images.ts";
import type { IncomingPart } from "../../edged/ports.ts";
import { loadImageArchive } from "./image-archive.ts";
import { ImageStore } from "./image-store.ts";
import { IncomingLayers } from "./incoming-layers.ts";
import { pullImage } from "./registry-client.ts";
import { unpackLayer } from "./unpack-layer.ts";

/** An entry of a tar archive, however bad. */
interface Entry {
  readonly path: string;
  readonly type?: "0" | "1" | "2" | "3" | "5";
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
}

function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)]);
}

function tarEntry({ path, type = "0", content = "", target = "", mode = 0o644 }: Entry): Buffer {
  const head = Buffer.alloc(512);
  const bytes = Buffer.from(content);
  head.write(path, 0);
  head.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  head.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  head.write("00000000000\0", 136);
  head.write("        ", 148);
  head.write(type, 156);
  head.write(target, 157);
  head.write("ustar\u000000", 257, "latin1");
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([head, bytes, Buffer.alloc(-bytes.length & 511)]);
}

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skerry-images-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function unpack(root: string, ...layers: readonly Buffer[]): Promise<void> {
  mkdirSync(root, { recursive: true });
  for (const layer of layers) {
    const budget = { leftBytes: 10_000, leftEntries: 100 };
    await unpackLayer("x", root, Readable.from([layer]), budget);
  }
}

const invalid = (error: unknown): boolean => isSkerryError(error, "PROCESS_RUNTIME_IMAGE_INVALID");

test("layers lie over each other, packed by gzip, by zstd or not, and whiteouts take away what is below", async (context) => {
  const root = join(scratch(context), "root");
  await unpack(
    root,
    gzipSync(tar({ path: "a/", type: "5" }, { path: "a/gone", content: "1" }, { path: "a/stays", content: "2" })),
    zstdCompressSync(tar({ path: "b/old", content: "3" }, { path: "a/.wh.gone" })),
    tar({ path: "b/.wh..wh..opq" }, { path: "b/new", content: "4" }, { path: "link", type: "1", target: "a/stays" }),
  );
  assert.deepEqual(readdirSync(join(root, "a")), ["stays"]);
  assert.deepEqual(readdirSync(join(root, "b")), ["new"]);
  assert.equal(readFileSync(join(root, "link"), "utf8"), "2");
});

test("an opaque folder keeps what its own layer has put there before the mark", async (context) => {
  const root = join(scratch(context), "root");
  await unpack(root, tar({ path: "d/old" }), tar({ path: "d/new" }, { path: "d/.wh..wh..opq" }));
  assert.deepEqual(readdirSync(join(root, "d")), ["new"]);
});

test("a layer that wants out of the image's root is refused, or stays inside", async (context) => {
  const folder = scratch(context);
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "untouched");
  const refused: readonly (readonly Entry[])[] = [
    [{ path: "../outside/new" }],
    [{ path: "a/../../outside/new" }],
    [{ path: "hard", type: "1", target: "../outside/file" }],
    [{ path: "x/.wh..." }],
    [{ path: "a", type: "2", target: "b" }, { path: "b", type: "2", target: "a" }, { path: "a/x" }],
  ];
  for (const [number, entries] of refused.entries())
    await assert.rejects(unpack(join(folder, `refused-${number}`), tar(...entries)), invalid, JSON.stringify(entries));
  const root = join(folder, "root");
  await unpack(
    root,
    tar({ path: "up", type: "2", target: "../outside" }, { path: "abs", type: "2", target: outside }),
    tar({ path: "up/new", content: "inside" }, { path: "abs/new", content: "inside" }, { path: "up/.wh.file" }),
    tar({ path: "/etc/x", content: "inside" }),
  );
  assert.deepEqual(readdirSync(outside), ["file"]);
  assert.equal(readFileSync(join(outside, "file"), "utf8"), "untouched");
  assert.equal(readFileSync(join(root, "outside/new"), "utf8"), "inside");
  assert.equal(readFileSync(join(root, "etc/x"), "utf8"), "inside");
});

test("devices are left out, and no file keeps the set-user-id bit", async (context) => {
  const root = join(scratch(context), "root");
  await unpack(
    root,
    tar({ path: "null", type: "3" }, { path: "su", mode: 0o4755 }, { path: "d/", type: "5", mode: 0 }),
  );
  assert.deepEqual(readdirSync(root), ["d", "su"]);
  assert.equal(lstatSync(join(root, "su")).mode & 0o7777, 0o755);
  assert.equal(lstatSync(join(root, "d")).mode & 0o700, 0o700);
});

test("an image that grows too large or has too many files is refused before it fills the disk", async (context) => {
  const folder = scratch(context);
  const bomb = gzipSync(tar({ path: "big", content: "0".repeat(20_000) }));
  await assert.rejects(unpack(join(folder, "big"), bomb), invalid);
  assert.ok(!existsSync(join(folder, "big/big")));
  const many = tar(...Array.from({ length: 101 }, (_, number) => ({ path: String(number) })));
  await assert.rejects(unpack(join(folder, "many"), many), invalid);
});

test("what is no archive, or is cut off, is refused with a code", async (context) => {
  const folder = scratch(context);
  const whole = gzipSync(tar({ path: "a", content: "x".repeat(5_000) }));
  for (const [number, bytes] of [Buffer.from("x".repeat(2_000)), whole.subarray(0, 40)].entries())
    await assert.rejects(unpack(join(folder, String(number)), bytes), invalid);
});

/** An image of one layer: its parts and their descriptions. */
function image(layer: Buffer): { config: Buffer; manifest: Buffer; layer: Buffer } {
  const describe = (bytes: Buffer): object => ({ mediaType: "x", digest: digestOf(bytes), size: bytes.length });
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const config = Buffer.from(JSON.stringify({ architecture, os: "linux", config: { Cmd: ["/run"] } }));
  const manifest = Buffer.from(JSON.stringify({ config: describe(config), layers: [describe(layer)] }));
  return { config, manifest, layer };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function openStore(folder: string): Promise<ImageStore> {
  const store = new ImageStore({ folder: join(folder, "store") });
  await store.open();
  return store;
}

test("a docker archive is loaded under its names, found by them and by id, and removed", async (context) => {
  const folder = scratch(context);
  const store = await openStore(folder);
  const { config } = image(Buffer.alloc(0));
  const manifest = JSON.stringify([{ Config: "c.json", RepoTags: ["app:1"], Layers: ["l/layer.tar"] }]);
  const archive = join(folder, "a.tar");
  writeFileSync(
    archive,
    tar(
      { path: "l/layer.tar", content: tar({ path: "run", content: "#!" }).toString("latin1") },
      { path: "c.json", content: config.toString() },
      { path: "manifest.json", content: manifest },
    ),
  );
  assert.deepEqual(await loadImageArchive(archive, store, folder), ["docker.io/library/app:1"]);
  const found = await store.find("app:1");
  assert.ok(found);
  assert.equal(readFileSync(join(found.rootFolder, "run"), "utf8"), "#!");
  assert.deepEqual((await store.find(found.id))?.names, ["docker.io/library/app:1"]);
  assert.equal((await store.list()).length, 1);
  await store.remove("app:1");
  assert.deepEqual([await store.find("app:1"), await store.list()], [undefined, []]);
});

test("an archive whose parts are not what their digests say is refused, and leaves nothing", async (context) => {
  const folder = scratch(context);
  const store = await openStore(folder);
  const { config, manifest, layer } = image(tar({ path: "run" }));
  const index = JSON.stringify({ manifests: [{ digest: digestOf(manifest), size: manifest.length }] });
  const blob = (bytes: Buffer, content: Buffer): Entry => ({
    path: `blobs/sha256/${digestOf(bytes).slice(7)}`,
    content: content.toString("latin1"),
  });
  const archive = join(folder, "a.tar");
  const write = (as: Buffer): void =>
    writeFileSync(
      archive,
      tar({ path: "index.json", content: index }, blob(manifest, manifest), blob(config, config), blob(layer, as)),
    );
  write(tar({ path: "evil" }));
  await assert.rejects(loadImageArchive(archive, store, folder), invalid);
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(readdirSync(join(folder, "store/unpacking")), []);
  write(layer);
  assert.equal((await loadImageArchive(archive, store, folder)).length, 1);
});

/** A registry of one image, which wants what the test says, and keeps half of the layer back until `isWholeGiven`. */
async function registry(
  context: TestContext,
  parts: { readonly config: Buffer; readonly manifest: Buffer; readonly layer: Buffer },
  challenge: (address: string) => string | undefined,
  accepted: string,
  isWholeGiven: Promise<void> = Promise.resolve(),
): Promise<string> {
  const server = createServer(({ url = "", headers }, response) => {
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (url.startsWith("/token")) {
      const isKnown = headers.authorization === `Basic ${Buffer.from("me:secret").toString("base64")}`;
      response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ token: "t0" }));
      return;
    }
    const wanted = challenge(address);
    if (wanted !== undefined && headers.authorization !== accepted) {
      response.writeHead(401, { "www-authenticate": wanted }).end();
      return;
    }
    const body = url.includes("/manifests/")
      ? parts.manifest
      : url.endsWith(digestOf(image(Buffer.alloc(0)).config))
        ? parts.config
        : parts.layer;
    response.writeHead(url.includes("/missing/") ? 404 : 200);
    if (body !== parts.layer) {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, body.length >> 1));
    void isWholeGiven.then(() => response.end(body.subarray(body.length >> 1)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("an image is pulled without credentials, with a password, and with a token", async (context) => {
  const parts = image(gzipSync(tar({ path: "run", content: "hi" })));
  const basic = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  const kinds: [(address: string) => string | undefined, string][] = [
    [() => undefined, ""],
    [() => 'Basic realm="x"', basic],
    [(address) => `Bearer realm="http://${address}/token",service="s"`, "Bearer t0"],
  ];
  for (const [challenge, accepted] of kinds) {
    const store = await openStore(scratch(context));
    const name = `${await registry(context, parts, challenge, accepted)}/team/app:1`;
    await pullImage(name, { username: "me", password: "secret" }, store);
    const found = await store.find(name);
    assert.equal(readFileSync(join(found?.rootFolder ?? "", "run"), "utf8"), "hi");
    assert.deepEqual(found?.config.command, ["/run"]);
  }
});

test("how much of an image has arrived is told as long as it is pulled, and not after that", async (context) => {
  const parts = image(gzipSync(tar({ path: "run", content: "hi" })));
  const store = await openStore(scratch(context));
  const given = Promise.withResolvers<void>();
  const address = await registry(context, parts, () => undefined, "", given.promise);
  const incoming = new IncomingLayers();
  const told = (): IncomingPart[] => incomingParts(incoming.encode());
  const pulling = pullImage(`${address}/app:1`, undefined, store, incoming);
  while (!told().some(({ receivedBytes }) => receivedBytes > 0)) await delay(5);
  const { length } = parts.layer;
  const ref = `layer-${digestOf(parts.layer)}`;
  assert.deepEqual(told(), [{ ref, receivedBytes: length >> 1, totalBytes: length }]);
  given.resolve();
  await pulling;
  assert.deepEqual(told(), []);
});

test("a pull that is refused, finds nothing or gets something else says so with a code", async (context) => {
  const parts = image(gzipSync(tar({ path: "run" })));
  const store = await openStore(scratch(context));
  const failed = (pattern: RegExp) => (error: unknown) =>
    isSkerryError(error, "PROCESS_RUNTIME_PULL_FAILED") && pattern.test(error.message);
  const closed = await registry(context, parts, () => 'Basic realm="x"', "Basic never");
  await assert.rejects(pullImage(`${closed}/app`, undefined, store), failed(/pull secret is missing or wrong/));
  const open = await registry(context, parts, () => undefined, "");
  await assert.rejects(pullImage(`${open}/missing/app`, undefined, store), failed(/not found/));
  const lying = await registry(context, { ...parts, layer: Buffer.from("else") }, () => undefined, "");
  await assert.rejects(pullImage(`${lying}/app`, undefined, store), invalid);
  await assert.rejects(pullImage("127.0.0.1:1/app", undefined, store), failed(/the registry cannot be used/));
  assert.deepEqual(await store.list(), []);
});

test("a token that does not end is not read to its end", async (context) => {
  const server = createServer(({ url = "" }, response) => {
    const { port } = server.address() as AddressInfo;
    if (url.startsWith("/token")) Readable.from(endless()).pipe(response);
    else response.writeHead(401, { "www-authenticate": `Bearer realm="http://127.0.0.1:${port}/token"` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const store = await openStore(scratch(context));
  const { port } = server.address() as AddressInfo;
  await assert.rejects(pullImage(`127.0.0.1:${port}/app`, undefined, store), invalid);
});

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024, " ");
}

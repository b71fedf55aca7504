import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { processCommand, searchPath } from "./command-line.ts";
import { enterContainer, giveUpPowers, type Namespaces } from "./container-command.ts";
import { handedOver } from "./container-environment.ts";
import { readImageConfig, readManifest } from "./image-manifest.ts";
import { parseImageReference, registryUrl } from "./image-reference.ts";
import { processIdentity } from "./image-user.ts";
import { listeningPorts } from "./listening-ports.ts";
import { LogEntries } from "./log-entries.ts";
import { freePodAddress } from "./pod-address.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test("an image's short name means what it means to other runtimes", () => {
  const names = {
    alpine: "docker.io/library/alpine:latest",
    "alpine:3": "docker.io/library/alpine:3",
    "team/app": "docker.io/team/app:latest",
    "docker.io/library/alpine:3": "docker.io/library/alpine:3",
    "localhost/app": "localhost/app:latest",
    "registry.example.com:5000/a/b:1.0": "registry.example.com:5000/a/b:1.0",
    [`app@${DIGEST}`]: `docker.io/library/app@${DIGEST}`,
    [`ghcr.io/a/b:1@${DIGEST}`]: `ghcr.io/a/b@${DIGEST}`,
  };
  for (const [image, name] of Object.entries(names)) assert.equal(parseImageReference(image).name, name);
});

test("only a registry on this machine is spoken to without TLS", () => {
  const url = (image: string): string => registryUrl(parseImageReference(image));
  assert.equal(url("alpine"), "https://registry-1.docker.io");
  assert.equal(url("registry.example.com/a"), "https://registry.example.com");
  assert.equal(url("localhost:5000/a"), "http://localhost:5000");
  assert.equal(url("127.0.0.1:5000/a"), "http://127.0.0.1:5000");
  assert.equal(url("127.0.0.1.example.com/a"), "https://127.0.0.1.example.com");
});

test("a manifest is read, an index leads to this machine's one, and what is neither is refused with a code", () => {
  const config = { mediaType: "c", digest: DIGEST, size: 1 };
  const manifest = readManifest("x", JSON.stringify({ config, layers: [config] }), "amd64");
  assert.ok(manifest.kind === "manifest" && manifest.manifest.layers[0]?.sizeBytes === 1);
  const entry = (architecture: string, digit: string): object => ({
    digest: `sha256:${digit.repeat(64)}`,
    size: 1,
    platform: { os: "linux", architecture },
  });
  const manifests = [entry("arm64", "1"), entry("amd64", "2")];
  const index = readManifest("x", JSON.stringify({ manifests }), "amd64");
  assert.ok(index.kind === "index" && index.chosen.digest.endsWith("2"));
  const wasm = { ...entry("wasm", "4"), platform: { os: "wasi", architecture: "wasm" } };
  const modules = readManifest("x", JSON.stringify({ manifests: [wasm, entry("arm64", "1")] }), "amd64");
  assert.ok(modules.kind === "index" && modules.chosen.digest.endsWith("4"));
  const bad = [
    "",
    "[]",
    "{}",
    JSON.stringify({ manifests: [entry("riscv64", "3")] }),
    JSON.stringify({ config, layers: [{ digest: "sha256:../../x", size: 1 }] }),
    JSON.stringify({ config, layers: [{ digest: DIGEST, size: -1 }] }),
    JSON.stringify({ config, layers: Array(300).fill(config) }),
  ];
  for (const text of bad)
    assert.throws(
      () => readManifest("x", text, "amd64"),
      (error) => isSkerryError(error, "PROCESS_RUNTIME_IMAGE_INVALID"),
      text.slice(0, 40),
    );
});

test("any JSON as an image's configuration is read or refused with a code", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        assert.ok(readImageConfig("x", text).entrypoint);
      } catch (error) {
        assert.ok(isSkerryError(error, "PROCESS_RUNTIME_IMAGE_INVALID"));
      }
    }),
  );
});

test("command, arguments and environment are those of the image where the pod says nothing", () => {
  const image = {
    entrypoint: ["/e"],
    command: ["a"],
    environment: ["PATH=/bin", "A=1"],
    workingDirectory: "/w",
    user: "",
    stopSignal: "",
    layerDigests: [],
  };
  const nothing = { command: [], args: [], workingDirectory: "", environment: [] };
  assert.deepEqual(processCommand(image, nothing), {
    words: ["/e", "a"],
    workingDirectory: "/w",
    environment: ["PATH=/bin", "A=1"],
  });
  const words = (over: object): readonly string[] => processCommand(image, { ...nothing, ...over }).words;
  assert.deepEqual(words({ args: ["b"] }), ["/e", "b"]);
  assert.deepEqual(words({ command: ["/c"] }), ["/c"]);
  assert.deepEqual(words({ command: ["/c"], args: ["b"] }), ["/c", "b"]);
  const { environment } = processCommand(image, { ...nothing, environment: [{ name: "A", value: "x=y" }] });
  assert.deepEqual(environment, ["PATH=/bin", "A=x=y"]);
  assert.deepEqual(searchPath(environment), ["/bin"]);
});

test("a container's environment never becomes the environment of the machine's own programs", () => {
  const entries = ["LD_PRELOAD=/evil.so", "PATH=/evil", "a.b=odd name", "IFS=x", "A=1"];
  const { SKERRY_PLAIN, SKERRY_ALL, ...rest } = handedOver(entries);
  assert.deepEqual([SKERRY_PLAIN, SKERRY_ALL], ["3", "5"]);
  assert.ok(Object.keys(rest).every((name) => /^SKERRY_\d+$/.test(name)));
  assert.deepEqual(Object.values(rest).sort(), [...entries].sort());
});

test("a container's user is the pod's, else the image's by number or name", () => {
  const users = "root:x:0:0:root:/:/bin/sh\nnginx:x:101:102::/:/bin/false\n";
  const nobody = { userId: undefined, userName: "", groupId: undefined };
  const identity = (image: string, over: object = {}): unknown =>
    processIdentity({ ...nobody, ...over }, image, users, "web:x:77:\n");
  assert.deepEqual(identity(""), { userId: 0, groupId: 0 });
  assert.deepEqual(identity("nginx"), { userId: 101, groupId: 102 });
  assert.deepEqual(identity("nginx:web"), { userId: 101, groupId: 77 });
  assert.deepEqual(identity("101"), { userId: 101, groupId: 102 });
  assert.deepEqual(identity("1000:1001"), { userId: 1000, groupId: 1001 });
  assert.deepEqual(identity("nginx", { userId: 5, groupId: 6 }), { userId: 5, groupId: 6 });
  assert.equal(identity("nosuch"), undefined);
});

test("output becomes log entries that together are the output, however it comes in pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "é") })), (pieces) => {
      const log = new LogEntries("stdout");
      const chunks = pieces.map((piece) => Buffer.from(piece));
      const entries = [...chunks.flatMap((chunk) => log.take(chunk, 0)), ...log.finish(0)];
      const whole = Buffer.concat(chunks).toString();
      const lines = entries.map((entry) => /^\S+ stdout F (.*)\n$/s.exec(entry.toString())?.[1]);
      assert.equal(lines.join("\n"), whole.replace(/\n$/, ""));
    }),
  );
});

test("a line without end is cut into parts, and no more of it is kept than a part", () => {
  const log = new LogEntries("stderr");
  const entries = log.take(Buffer.alloc(40 * 1024, "x"), 0);
  assert.deepEqual(
    entries.map((entry) => entry.toString().slice(0, 42).split(" ").slice(1, 3)),
    [
      ["stderr", "P"],
      ["stderr", "P"],
    ],
  );
  const [last] = log.finish(0);
  assert.equal(last?.toString().match(/x+/)?.[0].length, 8 * 1024);
});

test("only ports that are listened on at all addresses are a pod's ports", () => {
  const line = (local: string, state: string): string => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:0`;
  const table = ["  sl  local_address rem_address   st", line("00000000:1F90", "0A"), line("0100007F:0016", "0A")];
  assert.deepEqual(listeningPorts([...table, line("00000000:0050", "01"), ""].join("\n")), [8080]);
  assert.deepEqual(listeningPorts(`head\n${line(`${"0".repeat(32)}:0050`, "0A")}`), [80]);
  assert.deepEqual(listeningPorts(""), []);
});

test("pods get addresses of their own that all lead to this machine", () => {
  const used = new Set<string>();
  for (let count = 0; count < 600; count++) {
    const address = freePodAddress(70_000, used);
    assert.match(address, /^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-6])\.\d+\.\d+$/);
    assert.ok(!used.has(address));
    used.add(address);
  }
});

test("root of a container is put below its own mounts, and nobody keeps the powers that made them", () => {
  assert.deepEqual(giveUpPowers("/bb", { userId: 7, groupId: 7 }, 1), [
    ...["/bb", "setpriv", "--no-new-privs", "--ambient-caps", "-cap_0,-cap_1", "--inh-caps", "-cap_0,-cap_1"],
  ]);
  assert.deepEqual(giveUpPowers("/bb", { userId: 0, groupId: 0 }, 0).slice(0, 4), [
    ...["/bb", "unshare", "--user", "--map-root-user"],
  ]);
});

test("a container is entered from above, namespace by namespace", () => {
  const tools = { unshare: "U", nsenter: "N" };
  const namespaces: Namespaces = {
    holderId: 1,
    network: true,
    ipc: true,
    hostname: true,
    processes: { kind: "own" },
  };
  const targets = (words: readonly string[]): string[] =>
    words.flatMap((word, at) => (word === "--target" ? (words[at + 1] ?? "") : []));
  const of = (userId: number, over: Partial<Namespaces> = {}): string[] =>
    targets(enterContainer(tools, { mainId: 3, makerId: 2 }, { ...namespaces, ...over }, { userId, groupId: 0 }));
  assert.deepEqual(of(0), ["1", "2", "3"]);
  assert.deepEqual(of(5), ["1", "3"]);
  assert.deepEqual(of(0, { processes: { kind: "machine" } }), ["1", "3"]);
});

// The device plugin API with a plugin that is a process of its own and speaks another gRPC implementation.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Pod } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { unixGrpc, unixServerStream } from "@skerry/grpc/platform";
import { SqliteDatabase } from "@skerry/store/platform";
import type { GivenDevices } from "../devices/container-devices.ts";
import { DevicePlugins } from "../devices/device-plugins.ts";
import { deviceTables } from "../devices/device-tables.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const PLUGIN = fileURLToPath(new URL("./testing/device-plugin-process.ts", import.meta.url));
const RESOURCE = "example.com/serial";

/** The node's end of the plugins, and plugins that are processes of their own. */
class PluginNode implements AsyncDisposable {
  readonly folder: string;
  readonly #opened = new AsyncDisposableStack();
  readonly #database: SqliteDatabase;
  #plugins: DevicePlugins;
  #onChange = (): void => {};

  private constructor(folder: string) {
    this.folder = folder;
    this.#opened.defer(() => rm(folder, { recursive: true, force: true }));
    this.#database = this.#opened.use(new SqliteDatabase({ path: ":memory:", migrations: [deviceTables] }));
    this.#plugins = this.edgeCore();
  }

  static async start(): Promise<PluginNode> {
    const node = new PluginNode(await mkdtemp(join(tmpdir(), "skerry-devices-")));
    await node.#plugins.start();
    return node;
  }

  /** Starts a plugin that offers these files. */
  plugin(...devices: readonly string[]): ChildProcess {
    const plugin = fork(PLUGIN, [this.folder, RESOURCE, ...devices], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#opened.defer(() => void plugin.kill("SIGKILL"));
    return plugin;
  }

  /** EdgeCore ends and starts again. */
  async restart(): Promise<void> {
    await this.#plugins[Symbol.asyncDispose]();
    this.#plugins = this.edgeCore();
    await this.#plugins.start();
  }

  /** Waits until so many devices are there, and so many of them work. */
  counts(capacity: number, allocatable: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        const counts = this.#plugins.counts.get(RESOURCE);
        if (counts?.capacity === capacity && counts.allocatable === allocatable) resolve();
      };
      this.#onChange();
    });
  }

  provideOne(): Promise<GivenDevices> {
    const container = { name: "app", image: "app:1", resources: { limits: { [RESOURCE]: "1" } } };
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", uid: "u" },
      spec: { containers: [container] },
    };
    return this.#plugins.provide(pod, container, new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plugins[Symbol.asyncDispose]();
    await this.#opened[Symbol.asyncDispose]();
  }

  /** One more EdgeCore with this folder. */
  edgeCore(): DevicePlugins {
    const database = this.#database;
    return new DevicePlugins(
      {
        transport: { grpc: unixGrpc, stream: unixServerStream },
        folder: this.folder,
        load: () => import("../devices/device-manager.ts"),
      },
      {
        meta: {
          read: (work) => database.read(work),
          transaction: (work) => database.transaction(work),
        },
        clock: systemClock,
        logger: silentLogger,
        fileSystem: nodeFileSystem,
        isActive: () => true,
        changed: () => this.#onChange(),
      },
    );
  }
}

test("a plugin in another process registers, tells its devices, gives them, and is missed when it is killed", async () => {
  await using node = await PluginNode.start();
  const plugin = node.plugin("/dev/null", "/dev/zero");
  await node.counts(2, 2);
  const given = await node.provideOne();
  // It prefers its last device, and has the container told that it was started.
  assert.deepEqual(given.devices, [{ containerPath: "/dev/serial", hostPath: "/dev/zero", permissions: "rw" }]);
  assert.deepEqual(given.environment, [{ name: "SERIAL", value: "/dev/zero" }]);
  plugin.send("lose /dev/zero");
  await node.counts(2, 1);
  const ended = once(plugin, "exit");
  plugin.kill("SIGKILL");
  await ended;
  await node.counts(2, 0);
});

test("a plugin that watches only its own socket is there again after a restart of EdgeCore; other files stay", async () => {
  await using node = await PluginNode.start();
  await writeFile(join(node.folder, "notes"), "kept");
  node.plugin("/dev/null");
  await node.counts(1, 1);
  await node.restart();
  await node.counts(1, 1);
  assert.equal(await readFile(join(node.folder, "notes"), "utf8"), "kept");
});

test("sockets stay where another kubelet serves the folder", async () => {
  await using node = await PluginNode.start();
  node.plugin("/dev/null");
  await node.counts(1, 1);
  const sockets = async (): Promise<readonly (readonly [name: string, inode: number])[]> => {
    const names = (await readdir(node.folder)).sort();
    return Promise.all(names.map(async (name) => [name, (await lstat(join(node.folder, name))).ino] as const));
  };
  const before = await sockets();
  await using other = node.edgeCore();
  await other.start();
  assert.equal(before.length, 2);
  assert.deepEqual(await sockets(), before);
});

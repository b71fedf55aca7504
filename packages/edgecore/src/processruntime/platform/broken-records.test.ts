import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError, type Logger, silentLogger } from "@skerry/base";
import { isAlive } from "@skerry/base/platform";
import {
  type ContainerConfig,
  ContainerStatusRequest,
  ContainerStatusResponse,
  CreateContainerRequest,
  NamespaceMode,
  PodSandboxConfig,
} from "../../edged/platform/generated/cri.ts";
import type { MachineAbility } from "./ability.ts";
import type { ContainerState } from "./container-record.ts";
import { Containers } from "./containers.ts";
import { ControlGroups } from "./control-groups.ts";
import { ImageStore } from "./image-store.ts";
import { identify } from "./process-identity.ts";
import { runtimeMethods } from "./runtime-methods.ts";
import { Sandboxes, type SandboxState } from "./sandboxes.ts";

/** Its ports are those of the whole machine, as the holder here is in its network: other warnings may come. */
const ADDRESS = "127.77.0.1";

/** A runtime's folder, with what an earlier runtime has left in it. */
class LeftRuntime {
  readonly folder: string;
  readonly warnings: string[] = [];
  readonly #context: TestContext;
  readonly #logger: Logger = {
    ...silentLogger,
    warn: (message, fields) => this.warnings.push(`${message}: ${String(fields?.["reason"])}`),
  };

  constructor(context: TestContext) {
    this.#context = context;
    this.folder = mkdtempSync(join(tmpdir(), "skerry-records-"));
    context.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  process(): ChildProcess & { readonly pid: number } {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    this.#context.after(() => child.kill("SIGKILL"));
    assert.ok(child.pid !== undefined);
    return Object.assign(child, { pid: child.pid });
  }

  sandbox(id: string, holderId: number, config: PodSandboxConfig, address?: string): string {
    const folder = join(this.folder, "sandboxes", id);
    mkdirSync(folder, { recursive: true });
    const holder = identify(holderId);
    assert.ok(holder);
    const state: SandboxState = { createdAtMs: 1, holder, processHolder: undefined, address, isStopped: false };
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    writeFileSync(join(folder, "config.pb"), PodSandboxConfig.encode(config).finish());
    return folder;
  }

  container(id: string, config: ContainerConfig, run?: ContainerState["run"]): string {
    const folder = join(this.folder, "containers", id);
    mkdirSync(folder, { recursive: true });
    const state: ContainerState = {
      ...{ createdAtMs: 1, imageId: "i", imageName: "i", user: { userId: 0, groupId: 0 } },
      ...{ command: { words: ["/run"], workingDirectory: "/", environment: [] }, stopSignal: "SIGTERM" },
      ...(run ? { run } : {}),
    };
    writeFileSync(join(folder, "state.json"), JSON.stringify(state));
    const logged = { ...config, logPath: join(folder, "log") };
    const request = CreateContainerRequest.encode({ podSandboxId: "s", config: logged }).finish();
    writeFileSync(join(folder, "request.pb"), request);
    const pipes = ["stdin", "stdout", "stderr"].map((name) => join(folder, name));
    assert.equal(spawnSync("mkfifo", pipes).status, 0);
    return folder;
  }

  async openSandboxes(): Promise<Sandboxes> {
    const sandboxes = new Sandboxes({
      ...{ folder: join(this.folder, "sandboxes"), busybox: "/bin/false", logger: this.#logger },
      outbound: { kind: "none", reason: "" },
    });
    this.#context.after(() => sandboxes[Symbol.asyncDispose]());
    await sandboxes.open();
    return sandboxes;
  }

  /** @param nsenter what every container begins with */
  async openContainers(nsenter = "/bin/false"): Promise<{ containers: Containers; images: ImageStore }> {
    const images = new ImageStore({ folder: join(this.folder, "images") });
    await images.open();
    const containers = new Containers({
      ...{ folder: join(this.folder, "containers"), busybox: "/bin/false", logger: this.#logger },
      ...{ images, sandboxes: await this.openSandboxes() },
      ability: abilityWith(nsenter),
      scripts: { shim: "", container: "", proc: "", terminal: "", wasi: "" },
      wasm: () => assert.fail("no container here runs a module"),
      groups: new ControlGroups([], "/bin/false", silentLogger),
    });
    this.#context.after(() => containers[Symbol.dispose]());
    await containers.open();
    return { containers, images };
  }
}

function abilityWith(nsenter: string): MachineAbility {
  return { tools: { nsenter, unshare: "/bin/false" }, overlay: true, lastCapability: 0 };
}

/** A listener on a free port, which nobody else can listen on then. */
async function takenPort(context: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("a sandbox that is stopped while the disk refuses every write holds nothing any longer", async (context) => {
  const left = new LeftRuntime(context);
  const holder = left.process();
  const folder = left.sandbox("s", holder.pid, {}, ADDRESS);
  mkdirSync(join(folder, "state.json.new"));
  const sandboxes = await left.openSandboxes();
  assert.ok(sandboxes.portsOf(sandboxes.get("s")));
  const ended = once(holder, "exit");
  await sandboxes.stop("s");
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  assert.equal(sandboxes.portsOf(sandboxes.get("s")), undefined);
  assert.equal(sandboxes.isReady(sandboxes.get("s")), false);
  assert.match(left.warnings.join("\n"), /^That a sandbox was stopped cannot be noted: .*EISDIR/m);
});

test("a sandbox that two stop at once is noted as stopped, one after the other", async (context) => {
  const left = new LeftRuntime(context);
  const folder = left.sandbox("s", left.process().pid, {});
  const sandboxes = await left.openSandboxes();
  await Promise.all([sandboxes.stop("s"), sandboxes.stop("s")]);
  assert.deepEqual(left.warnings, []);
  assert.equal((JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as SandboxState).isStopped, true);
});

test("a sandbox whose hostPort was taken meanwhile is stopped, told so, and kept until it is removed", async (context) => {
  const left = new LeftRuntime(context);
  const holder = left.process();
  const hostPort = await takenPort(context);
  const config = { portMappings: [{ hostPort, containerPort: 80, hostIp: "127.0.0.1" }] };
  const folder = left.sandbox("s", holder.pid, config, ADDRESS);
  const ended = once(holder, "exit");
  const sandboxes = await left.openSandboxes();
  await ended;
  assert.equal(sandboxes.isReady(sandboxes.get("s")), false);
  const state = JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as SandboxState;
  assert.equal(state.isStopped, true);
  assert.match(
    left.warnings.join("\n"),
    new RegExp(`^A sandbox's ports cannot be opened again.*port ${hostPort} `, "m"),
  );
});

test("a container that cannot be made leaves no folder", async (context) => {
  const left = new LeftRuntime(context);
  left.sandbox("s", left.process().pid, {});
  const { containers, images } = await left.openContainers();
  await images.add({ image: "app", config: Buffer.from("{}"), layers: [] }, ["app"]);
  const config = {
    ...{ image: { image: "app" }, command: ["/volume/run"], metadata: { name: "app" } },
    mounts: [{ containerPath: "/volume", hostPath: "/" }],
  };
  const making = containers.create({ podSandboxId: "s", config });
  await assert.rejects(
    making,
    (error) => isSkerryError(error, "PROCESS_RUNTIME_START_FAILED") && /pipes/.test(error.message),
  );
  assert.deepEqual(readdirSync(join(left.folder, "containers")), []);
  assert.deepEqual(containers.list(), []);
});

test("a container whose start cannot be noted does not run on", async (context) => {
  const left = new LeftRuntime(context);
  left.sandbox("s", left.process().pid, {});
  const onMachine = { linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.NODE } } } };
  const folder = left.container("c", onMachine);
  const begin = join(left.folder, "begin");
  const script = ["#!/bin/sh", "mkdir state.json.new", "sleep 1000 &", 'echo "$$ $!" >ids', "echo ready >&3", "wait"];
  writeFileSync(begin, script.join("\n"), { mode: 0o755 });
  const { containers } = await left.openContainers(begin);
  await assert.rejects(containers.start("c"), /EISDIR/);
  const ids = readFileSync(join(folder, "ids"), "utf8").trim().split(" ").map(Number);
  assert.equal(ids.length, 2);
  while (ids.some(isAlive) || !containers.get("c").end) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(containers.outputOf("c"), undefined);
});

test("a running container's process is told to who asks for details, and only while it runs", async (context) => {
  const left = new LeftRuntime(context);
  const main = left.process();
  const identity = identify(main.pid);
  assert.ok(identity);
  const namespaces = {
    ...{ holderId: 1, network: false, ipc: false, hostname: false },
    processes: { kind: "machine" },
  } as const;
  left.container("runs", {}, { startedAtMs: 1, namespaces, shim: identity, main: identity, makerId: 1 });
  left.container("created", {});
  const { containers } = await left.openContainers();
  const methods = new Map(
    runtimeMethods({
      ...{ containers, sandboxes: await left.openSandboxes() },
      ...{ ability: abilityWith("/bin/false"), groups: new ControlGroups([], "/bin/false", silentLogger) },
      outbound: { kind: "none", reason: "" },
    }),
  );
  const info = async (containerId: string, verbose: boolean): Promise<unknown> => {
    const request = ContainerStatusRequest.encode({ containerId, verbose }).finish();
    const answer = await methods.get("/runtime.v1.RuntimeService/ContainerStatus")?.(request);
    return ContainerStatusResponse.decode(answer ?? new Uint8Array()).info;
  };
  assert.deepEqual(await info("runs", true), { info: JSON.stringify({ pid: main.pid }) });
  assert.deepEqual(await info("runs", false), {});
  assert.deepEqual(await info("created", true), {});
});

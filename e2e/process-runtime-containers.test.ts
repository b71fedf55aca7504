// The process runtime's containers by themselves, over the Container Runtime Interface: no cluster, no node.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLogger } from "@skerry/base";
import { isAlive } from "@skerry/base/platform";
import { CriRuntime } from "../packages/edgecore/src/edged/platform/index.ts";
import type { ContainerConfig, ContainerRuntime, SandboxConfig } from "../packages/edgecore/src/edged/ports.ts";
import {
  loadProcessImage,
  processContainers,
  runProcessRuntime,
} from "../packages/edgecore/src/platform/process-runtime.ts";
import { exampleAppImage } from "../packages/skerry/src/images/builtin-images.ts";
import { writeOciArchive } from "../packages/skerry/src/images/oci-archive.ts";
import { ensureCommonParts } from "../packages/skerry/src/systemparts/system-parts.ts";
import { root, sharedParts } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NOTHING_SHARED = { network: false, pid: false, ipc: false };
const RESOURCES = {
  cpuPeriodUs: 0,
  cpuQuotaUs: 0,
  cpuShares: 0,
  memoryLimitBytes: 0,
  hugePages: [],
  oomScoreAdjustment: 0,
};

describe("the process runtime", () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-process-runtime-"));
  let busybox: string;
  let server: AsyncDisposable;
  let runtime: CriRuntime;

  const open = (): Promise<AsyncDisposable> =>
    runProcessRuntime({ folder, socketPath: join(folder, "cri.sock"), busybox, logger: silentLogger });

  before(async () => {
    ({ busybox } = await ensureCommonParts(sharedParts, { onDownload: () => {}, onNoMosquitto: () => {} }));
    const archive = join(folder, "app.tar");
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    writeFileSync(archive, writeOciArchive(exampleAppImage(architecture, busybox, join(root, "examples/app"))));
    assert.deepEqual(await loadProcessImage(folder, archive), ["docker.io/library/edge-app:latest"]);
    server = await open();
    runtime = new CriRuntime(join(folder, "cri.sock"));
  });
  after(async () => {
    const processes = [...(await processContainers(folder)).running.values()];
    for (const { id } of await runtime.listSandboxes()) {
      await runtime.stopSandbox(id);
      await runtime.removeSandbox(id);
    }
    assert.deepEqual(readdirSync(join(folder, "containers")), []);
    assert.deepEqual(readdirSync(join(folder, "sandboxes")), []);
    await runtime[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await waitUntil("nothing runs any longer", async () => !processes.some(isAlive));
    rmSync(folder, { recursive: true, force: true });
  });

  const sandboxConfig = (name: string): SandboxConfig => ({
    name,
    namespace: "default",
    uid: name,
    attempt: 0,
    hostname: name,
    logDirectory: join(folder, "logs"),
    portMappings: [],
    labels: { pod: name },
    annotations: {},
    hostNamespaces: NOTHING_SHARED,
    privileged: false,
    user: { supplementalGroups: [], onlyTheseGroups: false },
    seccomp: { kind: "runtime-default" },
    sysctls: {},
    seLinux: undefined,
    runtimeHandler: "",
  });

  /** Starts a container in a sandbox of its own; returns the ids. */
  async function start(
    name: string,
    command: readonly string[],
    over: Partial<ContainerConfig> = {},
  ): Promise<{ readonly id: string; readonly sandboxId: string }> {
    const sandbox = sandboxConfig(name);
    const image = await runtime.findImage("edge-app");
    assert.ok(image);
    const config: ContainerConfig = {
      name: "main",
      attempt: 0,
      imageId: image.id,
      image: "edge-app",
      command,
      args: [],
      workingDirectory: "",
      environment: [],
      mounts: [],
      devices: [],
      cdiDevices: [],
      labels: { pod: name },
      annotations: {},
      logPath: `${name}.log`,
      stdin: false,
      stdinOnce: false,
      tty: false,
      resources: RESOURCES,
      privileged: false,
      hostNamespaces: NOTHING_SHARED,
      shareProcessNamespace: false,
      user: { supplementalGroups: [], onlyTheseGroups: false },
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: { kind: "unconfined" },
      appArmor: undefined,
      seLinux: undefined,
      unmaskedProc: false,
      ...over,
    };
    const sandboxId = await runtime.runSandbox(sandbox);
    const id = await runtime.createContainer(sandboxId, config, sandbox);
    await runtime.startContainer(id);
    return { id, sandboxId };
  }

  const ended = (id: string): ReturnType<ContainerRuntime["containerStatus"]> =>
    waitUntil("the container has ended", async () => {
      const status = await runtime.containerStatus(id);
      return status?.state === "exited" ? status : undefined;
    });

  /** A container's log without times. */
  const logOf = (name: string, wanted: RegExp): Promise<string> =>
    waitUntil(`the log of ${name} is there`, async () => {
      const text = readFileSync(join(folder, "logs", `${name}.log`), "utf8").replace(/^\S+ /gm, "");
      return wanted.test(text) ? text : undefined;
    });

  test("a container's exit code, reason and output are told, its last line too", async () => {
    const { id } = await start("fails", ["sh", "-c", "echo out; echo err >&2; printf end; exit 42"]);
    const status = await ended(id);
    assert.deepEqual([status?.exitCode, status?.reason], [42, "Error"]);
    assert.match(await logOf("fails", /F end/), /stdout F out\n(.*\n)*stdout F end\n/);
    assert.match(await logOf("fails", /err/), /stderr F err/);
  });

  test("a command that the image does not have is told as users know it", async () => {
    await assert.rejects(start("nothing", ["/nope"]), /exec: "\/nope": stat \/nope: no such file or directory/);
    await assert.rejects(start("unknown", ["nope"]), /exec: "nope": executable file not found in \$PATH/);
  });

  test("a container sees only itself, its own name and its own files", async () => {
    const environment = [
      { name: "odd.name", value: "1" },
      { name: "QUOTED", value: 'it\'s "$(id)"\n' },
    ];
    const { id } = await start("alone", ["sleep", "1000"], { environment });
    const seen = async (...command: string[]): Promise<string> => (await runtime.exec(id, command, 30)).output;
    assert.equal((await seen("hostname")).trim(), "alone");
    assert.match(await seen("ps"), /^PID[^\n]*\n\s+1 root +sleep 1000\n[^\n]*ps\n$/);
    assert.match(await seen("env"), /^QUOTED=it's "\$\(id\)"$/m);
    assert.match(await seen("env"), /^odd\.name=1$/m);
    assert.equal((await seen("ls", folder)).includes("No such file"), true);
    assert.equal((await runtime.exec(id, ["sh", "-c", "exit 9"], 30)).exitCode, 9);
    await assert.rejects(runtime.exec(id, ["sleep", "100"], 1), /timed out/);
  });

  test("what is read-only stays so, even for the container's root", async () => {
    const volume = join(folder, "volume");
    mkdirSync(volume);
    writeFileSync(join(volume, "file"), "before");
    const mounts = [
      {
        containerPath: "/v",
        hostPath: volume,
        readOnly: true,
        propagation: "private" as const,
        recursiveReadOnly: false,
        relabel: false,
      },
    ];
    const { id } = await start("reads", ["sleep", "1000"], { readOnlyRootFilesystem: true, mounts });
    const tried = await runtime.exec(
      id,
      ["sh", "-c", "mount -o remount,rw,bind /v; mount -o remount,rw,bind /; umount /v; echo x >/v/file; echo x >/x"],
      30,
    );
    assert.match(tried.output, /Read-only file system/);
    assert.equal(readFileSync(join(volume, "file"), "utf8"), "before");
  });

  test("a container is who its pod says, without powers", async () => {
    const { id } = await start("user", ["sleep", "1000"], {
      user: { userId: 1234, groupId: 55, supplementalGroups: [], onlyTheseGroups: false },
    });
    assert.match((await runtime.exec(id, ["id"], 30)).output, /^uid=1234 gid=55/);
    assert.match((await runtime.exec(id, ["grep", "CapEff", "/proc/1/status"], 30)).output, /\t0+\n/);
  });

  test("containers of a pod that shares its processes see each other", async () => {
    await start("shares", ["sh", "-c", "ps; sleep 1000"], { shareProcessNamespace: true });
    assert.match(await logOf("shares", /ps; sleep/), /1 root\s.*sleep/);
  });

  test("two pods listen on one port, and each is reached at its own address", async () => {
    const pods = [await start("web-1", []), await start("web-2", [])];
    for (const { sandboxId } of pods) {
      const [address = ""] = await runtime.sandboxAddresses(sandboxId);
      assert.match(address, /^127\./);
      const page = await waitUntil("the page is there", async () => (await fetch(`http://${address}:8080/`)).text());
      assert.match(page, /Hello from the edge/);
    }
  });

  test("another runtime finds what the one before has started: state, ways in, output", async () => {
    const { id, sandboxId } = await start("goes-on", [
      "sh",
      "-c",
      "httpd -p 8080 -h /app/www; while :; do echo tick; sleep 1; done",
    ]);
    await logOf("goes-on", /tick/);
    const before = (await processContainers(folder)).running.get(id);
    await server[Symbol.asyncDispose]();
    server = await open();
    assert.equal((await runtime.containerStatus(id))?.state, "running");
    assert.equal((await processContainers(folder)).running.get(id), before);
    const [address = ""] = await runtime.sandboxAddresses(sandboxId);
    await waitUntil("the page is there", async () => (await fetch(`http://${address}:8080/`)).ok);
    const lines = (await logOf("goes-on", /tick/)).split("\n").length;
    await waitUntil("there is more", async () => (await logOf("goes-on", /tick/)).split("\n").length > lines);
    await runtime.stopContainer(id, 0);
    assert.equal((await runtime.containerStatus(id))?.exitCode, 137);
  });

  test("a container that is told to stop may end by itself, and one that does not is killed", async () => {
    const polite = await start("polite", ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"]);
    await logOf("polite", /up/);
    await runtime.stopContainer(polite.id, 60);
    assert.equal((await ended(polite.id))?.exitCode, 3);
    const deaf = await start("deaf", ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]);
    await logOf("deaf", /up/);
    await runtime.stopContainer(deaf.id, 1);
    assert.equal((await ended(deaf.id))?.exitCode, 137);
  });

  test("after all processes were killed, containers have ended and sandboxes are not ready", async () => {
    const { id, sandboxId } = await start("power", ["sleep", "1000"]);
    (await processContainers(folder)).kill();
    assert.equal((await ended(id))?.exitCode, 137);
    await waitUntil("the sandbox is not ready", async () =>
      (await runtime.listSandboxes()).some((sandbox) => sandbox.id === sandboxId && sandbox.state === "not-ready"),
    );
  });

  test("what it cannot do is refused in words", async () => {
    await assert.rejects(start("root", ["true"], { privileged: true }), /privileged containers: the process runtime/);
    await assert.rejects(start("terminal", ["true"], { tty: true }), /a container with a terminal/);
  });
});

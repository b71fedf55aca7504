// The process runtime's containers by themselves, over the Container Runtime Interface: no cluster, no node.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { silentLogger } from "@skerry/base";
import { isAlive } from "@skerry/base/platform";
import { CriRuntime } from "../packages/edgecore/src/edged/platform/index.ts";
import type { ContainerConfig, ContainerRuntime, SandboxConfig } from "../packages/edgecore/src/edged/ports.ts";
import { CriStreaming } from "../packages/edgecore/src/edgestream/platform/index.ts";
import {
  loadProcessImage,
  processContainers,
  runProcessRuntime,
} from "../packages/edgecore/src/platform/process-runtime.ts";
import type { SandboxState } from "../packages/edgecore/src/processruntime/platform/sandboxes.ts";
import { exampleAppImage } from "../packages/skerry/src/images/builtin-images.ts";
import { writeOciArchive } from "../packages/skerry/src/images/oci-archive.ts";
import { type CommonParts, ensureCommonParts } from "../packages/skerry/src/systemparts/system-parts.ts";
import type { RemoteCommandStreams } from "../packages/streams/src/index.ts";
import { root, sharedParts } from "./support/installation.ts";
import { CommandClient, dialStream, forwardPort } from "./support/runtime-streams.ts";
import { waitUntil } from "./support/wait-until.ts";
import { wasiProgram } from "./support/wasi-program.ts";

const NOTHING_SHARED = { network: false, pid: false, ipc: false };
const imageArchitecture = process.arch === "arm64" ? "arm64" : "x64";
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
  let parts: CommonParts;
  let server: AsyncDisposable;
  let runtime: CriRuntime;
  let streaming: CriStreaming;

  const open = (): Promise<AsyncDisposable> =>
    runProcessRuntime({
      folder,
      socketPath: join(folder, "cri.sock"),
      busybox: parts.busybox,
      slirp: { program: parts.slirp, libraries: parts.environment["LD_LIBRARY_PATH"] },
      logger: silentLogger,
    });

  before(async () => {
    parts = await ensureCommonParts(sharedParts, { onDownload: () => {}, onNoMosquitto: () => {} }, true);
    const { busybox } = parts;
    const archive = join(folder, "app.tar");
    writeFileSync(archive, writeOciArchive(exampleAppImage(imageArchitecture, busybox, join(root, "examples/app"))));
    assert.deepEqual(await loadProcessImage(folder, archive), ["docker.io/library/edge-app:latest"]);
    server = await open();
    runtime = new CriRuntime(join(folder, "cri.sock"));
    streaming = new CriStreaming(join(folder, "cri.sock"));
  });
  after(async () => {
    const processes = [...(await processContainers(folder)).running.values(), ...sandboxProcesses()];
    for (const { id } of await runtime.listSandboxes()) {
      await runtime.stopSandbox(id);
      await runtime.removeSandbox(id);
    }
    assert.deepEqual(readdirSync(join(folder, "containers")), []);
    assert.deepEqual(readdirSync(join(folder, "sandboxes")), []);
    await runtime[Symbol.asyncDispose]();
    await streaming[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await waitUntil("nothing runs any longer", async () => !processes.some(isAlive));
    assert.deepEqual(await (await processContainers(folder)).removeGroups(), []);
    rmSync(folder, { recursive: true, force: true });
  });

  /** What holds the pods' namespaces and leads them out. */
  const sandboxProcesses = (): number[] =>
    readdirSync(join(folder, "sandboxes")).flatMap((id) => {
      const { holder, processHolder, outbound } = stateOf(id);
      return [holder, processHolder, outbound].flatMap((each) => each?.processId ?? []);
    });
  const stateOf = (sandboxId: string): SandboxState =>
    JSON.parse(readFileSync(join(folder, "sandboxes", sandboxId, "state.json"), "utf8"));
  const wayOutOf = (sandboxId: string): number | undefined => stateOf(sandboxId).outbound?.processId;

  const sandboxConfig = (name: string, over: Partial<SandboxConfig> = {}): SandboxConfig => ({
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
    ...over,
  });

  /** Starts a container in a sandbox of its own; returns the ids. */
  async function start(
    name: string,
    command: readonly string[],
    over: Partial<ContainerConfig> = {},
    overSandbox: Partial<SandboxConfig> = {},
  ): Promise<{ readonly id: string; readonly sandboxId: string }> {
    const sandbox = sandboxConfig(name, overSandbox);
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

  test("a container has its pod's settings of the kernel, and ends before others when memory is short", async () => {
    const files = [
      "/proc/sys/net/ipv4/ip_unprivileged_port_start",
      "/proc/sys/kernel/shm_rmid_forced",
      "/proc/1/oom_score_adj",
    ];
    const sysctls = { "net.ipv4.ip_unprivileged_port_start": "81", "kernel.shm_rmid_forced": "1" };
    const resources = { ...RESOURCES, oomScoreAdjustment: 1000 };
    await start("settings", ["cat", ...files], { resources }, { sysctls });
    await logOf("settings", /F 81\n.*F 1\n.*F 1000$/m);
    const wrong = sandboxConfig("wrong", { sysctls: { "net.ipv4.ip_unprivileged_port_start": "none" } });
    await assert.rejects(runtime.runSandbox(wrong), /[Ii]nvalid argument/);
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

  const ALL = { stdin: true, stdout: true, stderr: true, tty: false };
  const TERMINAL = { stdin: true, stdout: true, stderr: false, tty: true };
  const exec = async (id: string, wanted: RemoteCommandStreams, ...command: string[]): Promise<CommandClient> =>
    CommandClient.dial(await streaming.execUrl(id, command, wanted), wanted);

  test("a command has its input to its end, both its outputs, and its exit code; what it left behind is not waited for", async () => {
    const { id } = await start("commands", ["sleep", "1000"]);
    const client = await exec(id, ALL, "sh", "-c", "sleep 1000 & cat; echo err >&2; exit 3");
    const block = "0123456789".repeat(50_000);
    client.type(block);
    client.endInput();
    assert.equal(await client.status(), 3);
    assert.ok(client.stdout === block);
    assert.equal(client.stderr, "err\n");
    assert.equal(await (await exec(id, ALL, "true")).status(), 0);
  });

  test("a command in a terminal has one of the container's own, with the client's size, signals and environment", async () => {
    const { id } = await start("terminal", ["sleep", "1000"], { environment: [{ name: "odd.name", value: "a b" }] });
    const environment = await exec(id, TERMINAL, "env");
    assert.equal(await environment.status(), 0);
    assert.match(environment.stdout, /^odd\.name=a b\r$/m);
    assert.match(environment.stdout, /^TERM=xterm\r$/m);
    const client = await exec(id, TERMINAL, "sh");
    client.resize(77, 33);
    const shows = (wanted: RegExp): Promise<unknown> =>
      waitUntil(`the terminal shows ${wanted}`, async () => wanted.test(client.stdout));
    client.type("tty; until stty size | grep '33 77'; do sleep 0.1; done; printf 'a\\tb\\377\\n'\n");
    await shows(/\/dev\/pts\/\d+\r\n33 77\r\n/);
    await shows(/a\tb\xff\r\n/);
    client.type("sleep 4321\n");
    await waitUntil("it sleeps", async () => (await runtime.exec(id, ["ps"], 30)).output.includes("sleep 4321"));
    client.type("\x03");
    client.type("echo code $?\n");
    await shows(/code 130\r\n/);
    client.type("exit 5\n");
    assert.equal(await client.status(), 5);
  });

  test("a command ends when its client goes, in a terminal or not", async () => {
    const { id } = await start("left", ["sleep", "1000"]);
    for (const wanted of [ALL, TERMINAL]) {
      const client = await exec(id, wanted, "sh", "-c", "echo up; sleep 1234");
      await waitUntil("the command runs", async () => client.stdout.includes("up"));
      client.leave();
      await waitUntil("the command has ended", async () => {
        const { output } = await runtime.exec(id, ["ps"], 30);
        return !output.includes("sleep 1234");
      });
    }
  });

  test("who is attached sees what the container says, and its one client's input has an end", async () => {
    const { id } = await start("reads-once", ["sh", "-c", "cat; echo over; exit 4"], { stdin: true, stdinOnce: true });
    const client = await CommandClient.dial(await streaming.attachUrl(id, ALL), ALL);
    client.type("hello\n");
    await waitUntil("the input comes back", async () => client.stdout === "hello\n");
    client.endInput();
    assert.equal(await client.status(), 0);
    assert.equal(client.stdout, "hello\nover\n");
    assert.equal((await ended(id))?.exitCode, 4);
    assert.match(await logOf("reads-once", /over/), /stdout F hello\nstdout F over\n/);
  });

  test("a container with a terminal is typed into, hears signals, and tells its exit code", async () => {
    const { id } = await start("shell", ["sh"], { stdin: true, tty: true });
    const client = await CommandClient.dial(await streaming.attachUrl(id, TERMINAL), TERMINAL);
    client.resize(100, 40);
    client.type("until stty size | grep '40 100'; do sleep 0.1; done\n");
    await waitUntil("it has the size", async () => client.stdout.includes("\r\n40 100\r\n"));
    client.leave();
    const again = await CommandClient.dial(await streaming.attachUrl(id, TERMINAL), TERMINAL);
    again.type("exit 6\n");
    assert.equal(await again.status(), 0);
    assert.equal((await ended(id))?.exitCode, 6);
    await logOf("shell", /40 100/);
    const polite = await start(
      "polite-shell",
      ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"],
      {
        tty: true,
      },
    );
    await logOf("polite-shell", /up/);
    await runtime.stopContainer(polite.id, 60);
    assert.equal((await ended(polite.id))?.exitCode, 3);
  });

  test("a pod's ports are forwarded, and one that nobody listens on is told", async () => {
    const { sandboxId } = await start("forwards", []);
    const page = await waitUntil("the page is there", async () => {
      const socket = await forwardPort(await streaming.portForwardUrl(sandboxId), 8080);
      socket.end("GET / HTTP/1.0\r\n\r\n");
      return text(socket);
    });
    assert.match(page, /Hello from the edge/);
    const closed = await forwardPort(await streaming.portForwardUrl(sandboxId), 8081);
    await assert.rejects(text(closed), /8081 inside the pod: .*refused/);
  });

  test("an address of the streaming server is good for one client that speaks its protocol", async () => {
    const { id } = await start("once", ["sleep", "1000"]);
    const url = await streaming.execUrl(id, ["true"], ALL);
    await assert.rejects(dialStream(url, "v4.channel.k8s.io", "websocket"), /refused with 400/);
    await assert.rejects(dialStream(`${url}x`, "v4.channel.k8s.io"), /refused with 404/);
    (await dialStream(url, "v4.channel.k8s.io")).destroy();
    await assert.rejects(dialStream(url, "v4.channel.k8s.io"), /refused with 404/);
    const other = await streaming.execUrl(id, ["true"], ALL);
    await assert.rejects(dialStream(other, "channel.k8s.io"), /refused with 403/);
  });

  test("a pod reaches what this machine reaches, but not its loopback", async () => {
    const { noWayOut } = await runtime.features();
    assert.equal(noWayOut, undefined, `pods reach nothing from this machine: ${noWayOut}`);
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === "IPv4" && !each.internal)?.address;
    assert.ok(address, "this machine has no address but its loopback");
    const server = createServer((_request, response) => response.end("from the machine"));
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const { id, sandboxId } = await start("goes-out", ["sleep", "1000"]);
      const get = async (host: string): Promise<string> => {
        const script = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${host} ${port}`;
        return (await runtime.exec(id, ["sh", "-c", script], 60)).output;
      };
      assert.match(await get(address), /from the machine$/);
      for (const host of ["127.0.0.1", "10.0.2.2"]) assert.doesNotMatch(await get(host), /from the machine/, host);
      const wayOut = wayOutOf(sandboxId);
      assert.ok(wayOut);
      process.kill(wayOut, "SIGKILL");
      await waitUntil("there is another way out", async () => wayOutOf(sandboxId) !== wayOut);
      assert.match(await get(address), /from the machine$/);
    } finally {
      server.close();
    }
  });

  test("a container that wants more memory than its limit is ended for that, and its limits can be changed", async () => {
    const { limits } = await runtime.features();
    assert.deepEqual(limits, { cpu: true, memory: true }, "this account may make no control groups on this machine");
    const limited = (megabytes: number): typeof RESOURCES => ({
      ...RESOURCES,
      memoryLimitBytes: megabytes * 1024 ** 2,
    });
    const eat = ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=128M count=1"];
    const { id } = await start("eats", eat, { resources: limited(32) });
    assert.deepEqual([(await ended(id))?.exitCode, (await ended(id))?.reason], [137, "OOMKilled"]);
    const { id: other } = await start("changes", ["sleep", "1000"], { resources: limited(32) });
    assert.equal((await runtime.exec(other, eat, 30)).exitCode, 137);
    await runtime.updateContainerResources(other, limited(512));
    assert.equal((await runtime.exec(other, eat, 30)).exitCode, 0);
  });

  test("a WebAssembly module runs as the container's program, with its files and arguments", async () => {
    const volume = join(folder, "wasm-volume");
    mkdirSync(volume);
    writeFileSync(join(volume, "file"), "from a volume\n");
    const archive = join(folder, "wasm.tar");
    const image = {
      reference: "docker.io/library/wasi:latest",
      architecture: "x64",
      entrypoint: ["/app.wasm"],
    } as const;
    const files = [{ kind: "file", path: "app.wasm", content: wasiProgram() }] as const;
    writeFileSync(archive, writeOciArchive({ ...image, architecture: imageArchitecture, files }));
    await loadProcessImage(folder, archive);
    const mount = { containerPath: "/v", hostPath: volume, readOnly: true, propagation: "private" } as const;
    const { id } = await start("wasm", [], {
      imageId: (await runtime.findImage("wasi"))?.id ?? "",
      args: ["an argument"],
      mounts: [{ ...mount, recursiveReadOnly: false, relabel: false }],
    });
    assert.equal((await ended(id))?.exitCode, 7);
    assert.match(await logOf("wasm", /argument/), /F from a volume\n.*app\.wasm\0an argument\0/);
  });

  test("what it cannot do is refused in words", async () => {
    await assert.rejects(start("root", ["true"], { privileged: true }), /privileged containers: the process runtime/);
    await assert.rejects(start("net", ["true"], { addCapabilities: ["NET_ADMIN"] }), /the capability NET_ADMIN: /);
    await assert.rejects(
      runtime.runSandbox(sandboxConfig("class", { runtimeHandler: "gvisor" })),
      /runtimeClassName gvisor/,
    );
  });
});

// Fields of a pod on real containers: docs/pod-spec.md names for what "works" a case of this test, or another test.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { podSpecCases } from "./support/pod-spec/all-cases.ts";
import { DEVICE_RESOURCE, devicePlugin, devicePod } from "./support/pod-spec/device-plugin.ts";
import { CPU_QUOTA } from "./support/pod-spec/environment-cases.ts";
import { HealthServers } from "./support/pod-spec/health-servers.ts";
import { HOST_FOLDER, HOST_MOUNTS } from "./support/pod-spec/pod-spec-case.ts";
import { refusedCases } from "./support/pod-spec/refused-cases.ts";
import { SECCOMP_PROFILE } from "./support/pod-spec/security-cases.ts";
import {
  type DebugContainer,
  deafPod,
  debugContainer,
  endingPod,
  hostProbedPod,
  linkedPod,
  listeningContainer,
  privateImagePod,
  probedPod,
  REGISTRY_LOGIN,
  resizedPod,
  unlinkedPod,
} from "./support/pod-spec/standing-pods.ts";
import { PrivateRegistry } from "./support/private-registry.ts";
import { SharedMount } from "./support/shared-mount.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";

describe("fields of a pod", { concurrency: false }, () => {
  let skerry: Installation;
  let servers: HealthServers;
  let registry: PrivateRegistry;
  /** All of it goes, the last one first, also where one cannot be had or fails to go. */
  const opened = new AsyncDisposableStack();

  before(async () => {
    opened.defer(() => rmSync(HOST_FOLDER, { recursive: true, force: true }));
    servers = opened.adopt(await HealthServers.start(), (started) => started.close());
    registry = opened.use(await PrivateRegistry.start(REGISTRY_LOGIN.username, REGISTRY_LOGIN.password));
    opened.use(await SharedMount.make(HOST_MOUNTS));
    skerry = opened.adopt(await Installation.create("pod-spec"), (created) => created.dispose());
    await skerry.up("--no-examples");
    const profiles = join(skerry.nodeFolder(NODE), "edged", "seccomp");
    mkdirSync(profiles, { recursive: true });
    writeFileSync(join(profiles, SECCOMP_PROFILE.name), JSON.stringify(SECCOMP_PROFILE.content));
    const all = [
      ...podSpecCases,
      ...refusedCases,
      ...[probedPod, endingPod, deafPod, hostProbedPod(servers.grpcPort, servers.httpPort)],
      ...[resizedPod, linkedPod, privateImagePod(registry.address)],
    ];
    const objects = all.flatMap(({ pod, others = [] }) => [...others, pod]);
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const { status, stderr } = await skerry.kubectlWith(list, "apply", "-f", "-");
    assert.equal(status, 0, stderr);
  });
  after(() => opened.disposeAsync());

  const ended = (name: string): Promise<string> =>
    waitUntil(`${name} has ended`, async () => {
      const { status } = await skerry.get("pod", name);
      if (status.phase === "Succeeded" || status.phase === "Failed") return String(status.phase);
      throw new Error(JSON.stringify(status));
    });

  const assertLines = (text: string, expected: readonly (string | RegExp)[]): void => {
    const lines = text.trimEnd().split("\n");
    const fits = expected.map((each, index) =>
      typeof each === "string" ? each === lines[index]?.trim() : each.test(lines[index]?.trim() ?? ""),
    );
    assert.ok(lines.length === expected.length && !fits.includes(false), `expected ${expected}, found ${lines}`);
  };

  for (const { name, expected, container = "app", phase = "Succeeded" } of podSpecCases)
    test(`${name}: the container finds what its pod asked for`, async () => {
      const found = await ended(name);
      assertLines(await skerry.kubectlOk("logs", name, "-c", container), expected);
      assert.equal(found, phase);
    });

  for (const { name, reason, message } of refusedCases)
    test(`${name}: the pod is not started, and an Event says why`, async () => {
      await waitUntil(`${name} is refused`, async () => {
        const { items } = await skerry.get("events", `--field-selector=involvedObject.name=${name}`);
        const found: { reason: string; message: string }[] = items;
        if (found.some((event) => event.reason === reason && message.test(event.message))) return true;
        throw new Error(JSON.stringify(found.map((event) => [event.reason, event.message])));
      });
      const { status } = await skerry.get("pod", name);
      assert.deepEqual([status.phase, status.containerStatuses[0].restartCount], ["Pending", 0]);
      assert.ok(status.containerStatuses[0].state.waiting, JSON.stringify(status.containerStatuses));
    });

  test("spec-devices: a container gets the device that a device plugin gives it, and the Node has what it offers", async () => {
    const offered = async (): Promise<unknown> => (await skerry.get("node", NODE)).status.allocatable[DEVICE_RESOURCE];
    const folder = join(skerry.nodeFolder(NODE), "edged", "device-plugins");
    using plugin = devicePlugin(folder, DEVICE_RESOURCE, "/dev/zero");
    await waitUntil("the Node has the device", async () => (await offered()) === "1");
    assert.equal((await skerry.kubectlWith(JSON.stringify(devicePod), "apply", "-f", "-")).status, 0);
    assert.equal(await ended("spec-devices"), "Succeeded", plugin.output());
    assertLines(await skerry.kubectlOk("logs", "spec-devices"), ["SERIAL=/dev/zero", "a device", "3"]);
    plugin.end();
    await waitUntil("the Node has none to give", async () => (await offered()) === "0");
  });

  test(`${probedPod.name}: it is ready when its probes have succeeded`, async () => {
    await skerry.kubectlOk("wait", "--for=condition=Ready", `pod/${probedPod.name}`, "--timeout=120s");
    const { status } = await skerry.get("pod", probedPod.name);
    assert.deepEqual([status.containerStatuses[0].started, status.containerStatuses[0].restartCount], [true, 0]);
  });

  test("spec-grpc: probes ask the gRPC service, and the host, that they name", async () => {
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/spec-grpc", "--timeout=120s");
    for (const path of ["/startup", "/post-start"]) assert.ok(servers.paths.has(path), [...servers.paths].join());
    servers.serving = false;
    await skerry.kubectlOk("wait", "--for=condition=Ready=false", "pod/spec-grpc", "--timeout=120s");
    assert.deepEqual([...servers.services], ["pump"]);
  });

  test(`${deafPod.name}: a failed probe gives the container its own time to end`, async () => {
    await waitUntil("the container is started again", async () => {
      const { status } = await skerry.get("pod", deafPod.name);
      return status.containerStatuses[0].restartCount > 0;
    });
  });

  /** Puts the container into a running pod. */
  const look = async ({ name, container, arguments: command }: DebugContainer): Promise<void> => {
    const file = join(skerry.home, `${name}.json`);
    writeFileSync(file, JSON.stringify(container));
    const options = ["--image=edge-app:latest", "--target=app", "--profile=general", `--custom=${file}`, "-c", name];
    await skerry.kubectlOk("debug", probedPod.name, ...options, "--", ...command);
  };

  const lookReaches = (name: string, wanted: "running" | "terminated"): Promise<object> =>
    waitUntil(`${name} is ${wanted}`, async () => {
      const { status } = await skerry.get("pod", probedPod.name);
      const statuses: { name: string; state: Record<string, object> }[] = status.ephemeralContainerStatuses ?? [];
      const found = statuses.find((each) => each.name === name)?.state[wanted];
      if (found) return found;
      throw new Error(JSON.stringify(statuses));
    });

  test(`${debugContainer.name}: a container put into a running pod finds what it asked for`, async () => {
    const { name, expected } = debugContainer;
    await look(debugContainer);
    const { exitCode, message } = (await lookReaches(name, "terminated")) as { exitCode: number; message: string };
    assertLines(await skerry.kubectlOk("logs", probedPod.name, "-c", name), expected);
    assert.deepEqual([exitCode, message], [0, "bye\n"]);
  });

  test(`${listeningContainer.name}: a container put into a running pod ends with the input that it was attached to`, async () => {
    const { name, expected } = listeningContainer;
    await look(listeningContainer);
    await lookReaches(name, "running");
    const attached = await skerry.kubectlWith("hello\n", "attach", probedPod.name, "-c", name, "-i");
    assert.equal(attached.status, 0, attached.stderr);
    await lookReaches(name, "terminated");
    assertLines(await skerry.kubectlOk("logs", probedPod.name, "-c", name), expected);
  });

  test("spec-private: an image that only those get who know the password is fetched with the Secret that has it", async () => {
    await waitUntil("the image is there", async () => {
      const { items } = await skerry.get("events", "--field-selector=involvedObject.name=spec-private");
      const found: { message: string }[] = items;
      if (found.some(({ message }) => message.startsWith("Successfully pulled image"))) return true;
      throw new Error(JSON.stringify(found.map(({ message }) => message)));
    });
    assert.ok(
      registry.served.some((path) => path.startsWith("/v2/spec/private/")),
      registry.served.join(),
    );
  });

  test("spec-links: a pod has the variables of the Services beside it, and none if it wants none", async () => {
    assert.equal(await ended("spec-links"), "Succeeded");
    assertLines(await skerry.kubectlOk("logs", "spec-links"), ["8123"]);
    assert.equal((await skerry.kubectlWith(JSON.stringify(unlinkedPod), "apply", "-f", "-")).status, 0);
    assert.equal(await ended("spec-no-links"), "Succeeded");
    assertLines(await skerry.kubectlOk("logs", "spec-no-links"), ["0"]);
  });

  test("spec-resize: a running container is given other limits as it is, or a new one has them, as the pod says", async () => {
    const resize = async (limits: object): Promise<void> => {
      const patch = JSON.stringify({
        spec: { containers: [{ name: "app", resources: { limits, requests: limits } }] },
      });
      await skerry.kubectlOk("patch", "pod", "spec-resize", "--subresource=resize", "-p", patch);
    };
    const container = async (): Promise<{ restartCount: number; resources?: { limits: Record<string, string> } }> =>
      (await skerry.get("pod", "spec-resize")).status.containerStatuses[0];
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/spec-resize", "--timeout=120s");
    await resize({ cpu: "500m" });
    await waitUntil(
      "it has more of the processor",
      async () => (await container()).resources?.limits["cpu"] === "500m",
    );
    assertLines(await skerry.kubectlOk("exec", "spec-resize", "--", "sh", "-c", CPU_QUOTA), ["50000"]);
    assert.equal((await container()).restartCount, 0);
    await resize({ memory: "96Mi" });
    await waitUntil("a new container has more memory", async () => {
      const { restartCount, resources } = await container();
      if (restartCount === 1 && resources?.limits["memory"] === "96Mi") return true;
      throw new Error(JSON.stringify({ restartCount, resources }));
    });
    const pending = async (): Promise<string[]> => {
      const { conditions } = (await skerry.get("pod", "spec-resize")).status;
      return conditions
        .filter(({ type }: { type: string }) => type === "PodResizePending")
        .map(({ status, reason }: { status: string; reason?: string }) => reason ?? status);
    };
    await resize({ cpu: "1000" });
    await waitUntil("the node never has so much", async () => (await pending()).includes("Infeasible"));
    assert.equal((await container()).resources?.limits["cpu"], "500m");
    await resize({ cpu: "750m" });
    await waitUntil(
      "what it has room for it gives",
      async () => (await container()).resources?.limits["cpu"] === "750m",
    );
    assert.deepEqual(await pending(), ["False"]);
  });

  test(`${endingPod.name}: its hooks run, and its last words are in its status`, async () => {
    assert.equal(await ended(endingPod.name), "Failed");
    const { status } = await skerry.get("pod", endingPod.name);
    const app = status.containerStatuses[0].state.terminated;
    assert.deepEqual([app.exitCode, app.message], [3, "bye\n"]);
    const side = status.initContainerStatuses[0].state.terminated;
    assert.deepEqual([side.exitCode, side.message], [4, "the last line\n"]);
  });
});

// Faults planted in the real system: `skerry why` must name each as the first broken step, and the doctor find its own.
// A wrong clock is in faults/clock.test.ts: it needs a machine of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { certificatePem, nodeSubject, privateKeyPem } from "../packages/pki/src/index.ts";
import { systemPki } from "../packages/pki/src/platform/index.ts";
import { Installation, root } from "./support/installation.ts";
import { plantedDevices } from "./support/planted-devices.ts";
import { plantedPods, podOf } from "./support/planted-pods.ts";
import { run } from "./support/run.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
/** The node's state is on a disk so small that a test can fill it. */
const DISK = "400m";
const DAY_MS = 86_400_000;

interface Step {
  readonly state: string;
  readonly code?: string;
  readonly found?: string;
}

interface Part {
  readonly name: string;
  readonly processId?: number;
  readonly state: { readonly kind: string };
}

interface Named {
  readonly metadata: { readonly name: string };
}

describe("explanations", { concurrency: false }, () => {
  let skerry: Installation;
  let disk: string;

  before(async () => {
    skerry = await Installation.create("why");
    disk = join(skerry.home, NODE);
    mkdirSync(disk);
    const mounted = await run(["mount", "-t", "tmpfs", "-o", `size=${DISK},mode=711`, "tmpfs", disk]);
    assert.equal(mounted.status, 0, mounted.stderr);
    await skerry.up();
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
  });
  after(async () => {
    assert.equal((await skerry.skerry("down")).status, 0);
    const unmounted = await run(["umount", disk]);
    assert.equal(unmounted.status, 0, unmounted.stderr);
    await skerry.dispose();
  });

  /** The first step that is not whole; undefined when all are. */
  async function firstBroken(kind: string, name: string): Promise<Step | undefined> {
    const { status, stdout, stderr } = await skerry.skerry("why", kind, name, "-o", "json");
    assert.ok(stdout.startsWith("{"), stderr);
    const { steps, state } = JSON.parse(stdout) as { steps: Step[]; state: string };
    assert.equal(status, state === "whole" ? 0 : 1);
    return steps.find((step) => step.state !== "whole");
  }

  const expectCode = (kind: string, name: string, code: string, names = /./): Promise<Step> =>
    waitUntil(`why ${kind} ${name} says ${code} and ${names}`, async () => {
      const step = await firstBroken(kind, name);
      if (step?.code === code && names.test(step.found ?? "")) return step;
      throw new Error(`it says ${step?.code}: ${step?.found}`);
    });

  const expectWhole = (kind: string, name: string): Promise<true> =>
    waitUntil(`${kind} ${name} is whole`, async () => {
      const step = await firstBroken(kind, name);
      if (step === undefined) return true;
      throw new Error(`${step.code}: ${step.found}`);
    });

  async function apply(...objects: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const { status, stderr } = await skerry.kubectlWith(list, "apply", "-f", "-");
    assert.equal(status, 0, stderr);
  }

  async function processOf(name: string): Promise<number> {
    return waitUntil(`${name} runs`, async () => {
      const { parts } = JSON.parse((await skerry.skerry("status", "-o", "json")).stdout) as { parts: Part[] };
      return parts.find((part) => part.name === name && part.state.kind === "running")?.processId;
    });
  }

  async function kill(name: string): Promise<void> {
    process.kill(await processOf(name), "SIGKILL");
  }

  /** Does something while a part hangs. */
  async function whileFrozen(name: string, act: () => Promise<unknown>): Promise<void> {
    const processId = await processOf(name);
    process.kill(processId, "SIGSTOP");
    try {
      await act();
    } finally {
      process.kill(processId, "SIGCONT");
    }
  }

  /** Does something while a part runs with another file than its own. */
  async function whileReplaced(files: Readonly<Record<string, string>>, part: string, act: () => Promise<unknown>) {
    const originals = Object.keys(files).map((path) => [path, readFileSync(path)] as const);
    for (const [path, content] of Object.entries(files)) writeFileSync(path, content);
    await kill(part);
    try {
      await act();
    } finally {
      for (const [path, content] of originals) writeFileSync(path, content);
    }
  }

  test("a healthy node, app and device are whole, and the doctor finds no problem", async () => {
    for (const [kind, name] of [
      ["node", NODE],
      ["pod", "edge-app"],
      ["device", "thermometer"],
    ] as const)
      await expectWhole(kind, name);
    const { stdout } = await skerry.skerry("doctor", "-o", "json");
    const { findings } = JSON.parse(stdout) as { findings: { code: string; state: string; found: string }[] };
    // How full the disk of the machine is that runs the tests is not Skerry's affair.
    const problems = findings.filter(({ state, code }) => state === "problem" && code !== "DOCTOR_DISK");
    assert.deepEqual(problems, []);
    const looked = new Set(findings.map(({ code }) => code));
    for (const code of ["CLOCK", "PORT", "CERTIFICATE", "CGROUPS", "RUNTIME", "CNI", "PROCESS"])
      assert.ok(looked.has(`DOCTOR_${code}`), code);
  });

  describe("of pods, all planted at once", { concurrency: false }, () => {
    before(async () => {
      await apply(...plantedPods.flatMap(({ pod, others = [] }) => [...others, pod]));
      await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/kept", "--timeout=120s");
      await skerry.kubectlOk("delete", "pod", "kept", "--wait=false");
    });
    after(async () => {
      await skerry.kubectlOk("patch", "pod", "kept", "-p", '{"metadata":{"finalizers":null}}');
      const names = plantedPods.map(({ pod }) => (pod as Named).metadata.name);
      await skerry.kubectlOk("delete", "pod", "port-first", ...names, "--ignore-not-found", "--wait=false");
    });

    for (const { fault, code, names, pod } of plantedPods)
      test(`${fault} is named`, async () => {
        await expectCode("pod", (pod as Named).metadata.name, code, names);
      });
  });

  test("a taint and a cordoned node keep a new pod away", async () => {
    await skerry.kubectlOk("taint", "node", NODE, "dedicated=gpu:NoSchedule");
    await apply(podOf("tainted"));
    await expectCode("pod", "tainted", "WHY_POD_TAINT", /dedicated=gpu:NoSchedule on edge-node-1/);
    await skerry.kubectlOk("taint", "node", NODE, "dedicated-");
    await skerry.kubectlOk("cordon", NODE);
    await expectCode("node", NODE, "WHY_NODE_CORDONED");
    await skerry.kubectlOk("uncordon", NODE);
  });

  test("a quota that keeps a Deployment's pod away is named", async () => {
    const hard = { pods: "0" };
    await apply({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "full" }, spec: { hard } });
    try {
      await skerry.kubectlOk("wait", "resourcequota/full", "--for=jsonpath={.status.hard.pods}=0", "--timeout=120s");
      await apply(deploymentOf("over-quota", {}));
      await expectCode(
        "pod",
        "over-quota",
        "WHY_POD_QUOTA",
        /exceeded quota: full, requested: pods=1, .*limited: pods=0/,
      );
    } finally {
      await skerry.kubectlOk("delete", "deployment/over-quota", "resourcequota/full", "--ignore-not-found");
    }
  });

  test("what an API server refuses of a workload's pods is named", async () => {
    await apply(deploymentOf("refused", { serviceAccountName: "absent" }));
    await expectCode("pod", "refused", "WHY_POD_NOT_ADMITTED", /absent/);
    await skerry.kubectlOk("scale", "deployment/edge-app", "--replicas=0");
    await expectCode("pod", "edge-app", "WHY_POD_NONE_WANTED");
    await skerry.kubectlOk("scale", "deployment/edge-app", "--replicas=1");
    await expectWhole("pod", "edge-app");
  });

  describe("of devices, all planted at once", { concurrency: false }, () => {
    before(() => apply(...plantedDevices.flatMap(({ objects }) => objects)));

    for (const { fault, code, names, name, changes = [] } of plantedDevices)
      test(`${fault} is named`, async () => {
        for (const { resource, patch } of changes)
          await skerry.kubectlOk("patch", ...resource, "--type=json", "-p", JSON.stringify(patch));
        await expectCode("device", name, code, names);
      });
  });

  test("a device that its driver does not find, and a driver that has crashed", async () => {
    for (const file of ["model.yaml", "device.yaml"])
      await skerry.kubectlOk("apply", "-f", join(root, "examples/modbus", file));
    // Nothing listens on the device's port.
    const mapper = spawn(join(root, "bin/skerry"), ["mapper", "run", "modbus"], {
      detached: true,
      env: { ...process.env, SKERRY_HOME: skerry.home },
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => mapper.once("exit", resolve));
    try {
      await expectCode("device", "boiler", "WHY_DEVICE_OFFLINE");
    } finally {
      if (mapper.pid !== undefined) process.kill(-mapper.pid, "SIGKILL");
      await ended;
    }
    await expectCode("device", "boiler", "WHY_DEVICE_DRIVER_GONE");
  });

  test("a node without a pod network, and a pod that gets none", async () => {
    const file = join(disk, "network", "conf", "10-skerry.conflist");
    const original = readFileSync(file, "utf8");
    writeFileSync(file, original.replace('"bridge"', '"no-such-plugin"'));
    await apply(podOf("no-network"));
    await expectCode("pod", "no-network", "WHY_POD_NO_CNI", /no-such-plugin/);
    rmSync(file);
    await expectCode("node", NODE, "WHY_NODE_NO_CNI");
    writeFileSync(file, original);
    await expectWhole("node", NODE);
    await expectWhole("pod", "no-network");
  });

  test("a process that hangs is named: the node's, and the cloud's", async () => {
    for (const part of [`edgecore ${NODE}`, `containerd ${NODE}`])
      await whileFrozen(part, () => expectCode("node", NODE, "WHY_NODE_PROCESS", new RegExp(`${part}.*frozen`)));
    await whileFrozen("mosquitto", () => expectCode("device", "thermometer", "WHY_NODE_PROCESS", /mosquitto.*frozen/));
    await whileFrozen("cloudcore", () => expectCode("node", NODE, "WHY_CLOUD_PROCESS", /cloudcore.*frozen/));
    await expectWhole("node", NODE);
  });

  test("a process that cannot start is named: EdgeCore with a configuration that is none, the broker's port taken", async () => {
    await whileReplaced({ [join(disk, "edgecore.yaml")]: "modules: [" }, `edgecore ${NODE}`, () =>
      expectCode("node", NODE, "WHY_NODE_PROCESS", /edgecore edge-node-1 does not run/),
    );
    await whileReplaced({ [join(disk, "mosquitto", "mosquitto.conf")]: "no_such_setting 1\n" }, "mosquitto", () =>
      expectCode("device", "thermometer", "WHY_NODE_PROCESS", /mosquitto does not run/),
    );
    await expectWhole("node", NODE);
    await expectWhole("device", "thermometer");
  });

  test("a certificate that has expired is named", async () => {
    const { data } = await skerry.get("secret", "casecret", "-n", "kubeedge");
    const authority = {
      certificateDer: Buffer.from(data.cadata, "base64"),
      privateKeyDer: Buffer.from(data.cakeydata, "base64"),
    };
    const expired = await systemPki.issueCertificate(authority, {
      ...nodeSubject(NODE),
      usages: ["clientAuth"],
      validity: { notBeforeMs: Date.now() - 800 * DAY_MS, notAfterMs: Date.now() - 400 * DAY_MS },
    });
    const files = {
      [join(disk, "certificates", "server.crt")]: certificatePem(expired.certificateDer),
      [join(disk, "certificates", "server.key")]: privateKeyPem(expired.privateKeyDer),
    };
    await whileReplaced(files, `edgecore ${NODE}`, async () => {
      await expectCode("node", NODE, "WHY_NODE_CERTIFICATE_EXPIRED", /ended (1y|\d+d|\d+ days)/);
    });
    await kill(`edgecore ${NODE}`);
    await expectWhole("node", NODE);
  });

  test("a full disk is named", async () => {
    const filler = join(disk, "filler");
    try {
      const { bavail, bsize } = statfsSync(disk);
      const filled = await run(["fallocate", "-l", String(bavail * bsize), filler]);
      assert.equal(filled.status, 0, filled.stderr);
      await expectCode("node", NODE, "WHY_NODE_DISK_FULL");
    } finally {
      rmSync(filler);
    }
    await expectWhole("node", NODE);
  });

  test("a cut is the first broken step of the node, and of everything on it", async () => {
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    await expectCode("node", NODE, "WHY_NODE_CUT");
    await expectCode("pod", "edge-app", "WHY_NODE_CUT");
    await expectCode("device", "thermometer", "WHY_NODE_CUT");
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    await expectWhole("node", NODE);
  });

  test("a node that was revoked is named as such, also by what is on it", async () => {
    assert.equal((await skerry.skerry("node", "revoke", NODE, "--reason", "stolen")).status, 0);
    await expectCode("node", NODE, "WHY_NODE_REVOKED", /stolen/);
    await expectCode("pod", "edge-app", "WHY_NODE_REVOKED");
  });

  test("wrong use is told as such", async () => {
    assert.equal((await skerry.skerry("why", "planet", "x")).status, 2);
    assert.equal((await skerry.skerry("why", "pod")).status, 2);
    assert.equal((await skerry.skerry("doctor", "-o", "yaml")).status, 2);
    await expectCode("pod", "never-asked-for", "WHY_POD_UNKNOWN");
    await expectCode("node", "never-joined", "WHY_NODE_UNKNOWN");
  });
});

function deploymentOf(name: string, spec: object): object {
  const labels = { app: name };
  const containers = [{ name: "app", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers, ...spec } } },
  };
}

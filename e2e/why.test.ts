// Faults planted in the real system: `skerry why` must name each as the first broken step, and the doctor find its own.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";

interface Step {
  readonly state: string;
  readonly code?: string;
  readonly found?: string;
}

const podOf = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "app", image: "edge-app:latest", imagePullPolicy: "IfNotPresent", ...container }],
    ...spec,
  },
});

const faultyPods: readonly (readonly [code: string, pod: object])[] = [
  ["WHY_POD_IMAGE", podOf("wrong-image", { image: "registry.invalid/none:1" })],
  ["WHY_POD_IMAGE_NAME", podOf("no-image-name", { image: "NO:NAME:" })],
  ["WHY_POD_OBJECT_MISSING", podOf("no-configmap", { envFrom: [{ configMapRef: { name: "absent" } }] })],
  ["WHY_POD_SELECTOR", podOf("bad-selector", {}, { nodeSelector: { disk: "ssd" } })],
  ["WHY_POD_RESOURCES", podOf("too-large", { resources: { requests: { cpu: "9000" } } })],
  ["WHY_POD_CRASH_LOOP", podOf("crashes", { command: ["sh", "-c", "exit 4"] })],
  ["WHY_POD_START", podOf("no-command", { command: ["/absent"] })],
  ["WHY_POD_PROBE", podOf("never-ready", { readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 } })],
];

describe("explanations", () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("why");
    await skerry.up();
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
  });
  after(() => skerry.dispose());

  /** The first step that is not whole; undefined when all are. */
  async function firstBroken(kind: string, name: string): Promise<Step | undefined> {
    const { status, stdout, stderr } = await skerry.skerry("why", kind, name, "-o", "json");
    assert.ok(stdout.startsWith("{"), stderr);
    const { steps, state } = JSON.parse(stdout) as { steps: Step[]; state: string };
    assert.equal(status, state === "whole" ? 0 : 1);
    return steps.find((step) => step.state !== "whole");
  }

  const expectCode = (kind: string, name: string, code: string): Promise<Step> =>
    waitUntil(`why ${kind} ${name} says ${code}`, async () => {
      const step = await firstBroken(kind, name);
      if (step?.code === code) return step;
      throw new Error(`it says ${step?.code}: ${step?.found}`);
    });

  test("a healthy node, app and device are whole, and the doctor finds no problem", async () => {
    for (const [kind, name] of [
      ["node", NODE],
      ["pod", "edge-app"],
      ["device", "thermometer"],
    ] as const)
      await waitUntil(`${kind} ${name} is whole`, async () => {
        const step = await firstBroken(kind, name);
        if (step === undefined) return true;
        throw new Error(`${step.code}: ${step.found}`);
      });
    const { stdout } = await skerry.skerry("doctor", "-o", "json");
    const { findings } = JSON.parse(stdout) as { findings: { code: string; state: string; found: string }[] };
    // How full the disk of the machine is that runs the tests is not Skerry's affair.
    const problems = findings.filter(({ state, code }) => state === "problem" && code !== "DOCTOR_DISK");
    assert.deepEqual(problems, []);
    const looked = new Set(findings.map(({ code }) => code));
    for (const code of ["CLOCK", "PORT", "CERTIFICATE", "CGROUPS", "RUNTIME", "CNI", "PROCESS"])
      assert.ok(looked.has(`DOCTOR_${code}`), code);
  });

  test("faults of pods are named, all planted at once", async () => {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: faultyPods.map(([, pod]) => pod) });
    assert.equal((await skerry.kubectlWith(list, "apply", "-f", "-")).status, 0);
    for (const [code, pod] of faultyPods)
      await expectCode("pod", (pod as { metadata: { name: string } }).metadata.name, code);
  });

  test("a taint and a cordoned node keep a new pod away", async () => {
    await skerry.kubectlOk("taint", "node", NODE, "dedicated=gpu:NoSchedule");
    assert.equal((await skerry.kubectlWith(JSON.stringify(podOf("tainted", {})), "apply", "-f", "-")).status, 0);
    const { found } = await expectCode("pod", "tainted", "WHY_POD_TAINT");
    assert.match(found ?? "", /dedicated=gpu:NoSchedule on edge-node-1/);
    await skerry.kubectlOk("taint", "node", NODE, "dedicated-");
    await skerry.kubectlOk("cordon", NODE);
    await expectCode("node", NODE, "WHY_NODE_CORDONED");
    await skerry.kubectlOk("uncordon", NODE);
  });

  test("a device's wish that its model forbids is named", async () => {
    // The API refuses such a wish; it comes about when the model changes afterwards.
    const patch = '[{"op":"replace","path":"/spec/properties/1/accessMode","value":"ReadOnly"}]';
    await skerry.kubectlOk("patch", "devicemodel", "thermometer", "--type=json", "-p", patch);
    await expectCode("device", "thermometer", "WHY_DEVICE_READ_ONLY");
  });

  test("a cut is the first broken step of the node, and of everything on it", async () => {
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    await expectCode("node", NODE, "WHY_NODE_CUT");
    await expectCode("pod", "edge-app", "WHY_NODE_CUT");
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    await waitUntil("the node is whole again", async () => (await firstBroken("node", NODE)) === undefined);
  });

  test("wrong use is told as such", async () => {
    assert.equal((await skerry.skerry("why", "planet", "x")).status, 2);
    assert.equal((await skerry.skerry("why", "pod")).status, 2);
    assert.equal((await skerry.skerry("doctor", "-o", "yaml")).status, 2);
    await expectCode("pod", "never-asked-for", "WHY_POD_UNKNOWN");
  });
});

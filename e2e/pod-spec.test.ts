// Fields of a pod on real containers: what docs/pod-spec.md calls "works" is shown here or by the test that it names.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { endingPod, podSpecCases, probedPod } from "./support/pod-spec-cases.ts";
import { waitUntil } from "./support/wait-until.ts";

describe("fields of a pod", { concurrency: false }, () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("pod-spec");
    await skerry.up("--no-examples");
    const objects = [...podSpecCases.flatMap(({ pod, others = [] }) => [...others, pod]), probedPod.pod, endingPod.pod];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const { status, stderr } = await skerry.kubectlWith(list, "apply", "-f", "-");
    assert.equal(status, 0, stderr);
  });
  after(async () => {
    rmSync("/tmp/skerry-e2e-pod-spec", { recursive: true, force: true });
    await skerry.dispose();
  });

  const ended = (name: string): Promise<string> =>
    waitUntil(`${name} has ended`, async () => {
      const { status } = await skerry.get("pod", name);
      if (status.phase === "Succeeded" || status.phase === "Failed") return String(status.phase);
      throw new Error(JSON.stringify(status));
    });

  for (const { name, expected } of podSpecCases)
    test(`${name}: the container finds what its pod asked for`, async () => {
      const phase = await ended(name);
      const lines = (await skerry.kubectlOk("logs", name, "-c", "app")).trimEnd().split("\n");
      const fits = expected.map((each, index) =>
        typeof each === "string" ? each === lines[index]?.trim() : each.test(lines[index]?.trim() ?? ""),
      );
      assert.ok(lines.length === expected.length && !fits.includes(false), `expected ${expected}, found ${lines}`);
      assert.equal(phase, "Succeeded");
    });

  test(`${probedPod.name}: it is ready when its probes have succeeded`, async () => {
    await skerry.kubectlOk("wait", "--for=condition=Ready", `pod/${probedPod.name}`, "--timeout=120s");
    const { status } = await skerry.get("pod", probedPod.name);
    assert.deepEqual([status.containerStatuses[0].started, status.containerStatuses[0].restartCount], [true, 0]);
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

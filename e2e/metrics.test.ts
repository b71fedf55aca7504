// What a node measures: kubectl top against the kernel's own figures, and what was measured while the node was offline.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./support/free-ports.ts";
import { Installation } from "./support/installation.ts";
import { podOf } from "./support/planted-pods.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
/** An offline node measures every 30 s. */
const OUTAGE_MS = 45_000;
/** What the burning pod may use of a processor: so little that it gets it on a busy machine too. */
const BURNT_MILLICORES = 60;

/** The figures that the kernel keeps of a container, in either version of control groups. */
function controlGroupOf(id: string): { workingSetBytes(): number; cpuNanos(): number } {
  const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const folderOf = (controller: string): string => {
    const root = join("/sys/fs/cgroup", isUnified ? "" : controller);
    const [found] = globSync(`**/*${id}*`, { cwd: root });
    assert.ok(found, `no control group of ${id} in ${root}`);
    return join(root, found);
  };
  const read = (controller: string, file: string): string => readFileSync(join(folderOf(controller), file), "utf8");
  const inactive = (text: string): number => Number(/^inactive_file (\d+)/m.exec(text)?.[1] ?? 0);
  if (isUnified)
    return {
      workingSetBytes: () => Number(read("", "memory.current")) - inactive(read("", "memory.stat")),
      cpuNanos: () => Number(/^usage_usec (\d+)/m.exec(read("", "cpu.stat"))?.[1] ?? 0) * 1000,
    };
  return {
    workingSetBytes: () =>
      Number(read("memory", "memory.usage_in_bytes")) -
      Number(/^total_inactive_file (\d+)/m.exec(read("memory", "memory.stat"))?.[1] ?? 0),
    cpuNanos: () => Number(read("cpuacct", "cpuacct.usage")),
  };
}

const isWithinFivePercent = (value: number, expected: number): boolean => Math.abs(value - expected) <= 0.05 * expected;

describe("metrics", { concurrency: false }, () => {
  let skerry: Installation;
  let port = 0;

  before(async () => {
    skerry = await Installation.create("metrics");
    [port = 0] = await freePorts(1);
    await skerry.up("--no-examples", "--metrics-port", String(port));
  });
  after(() => skerry.dispose());

  /** Runs a pod and returns what the kernel counts of its container. */
  async function runPod(
    name: string,
    container: object,
    spec: object = {},
  ): Promise<ReturnType<typeof controlGroupOf>> {
    const pod = JSON.stringify(podOf(name, container, spec));
    assert.equal((await skerry.kubectlWith(pod, "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
    const { status } = await skerry.get("pod", name);
    return controlGroupOf(String(status.containerStatuses[0].containerID).replace("containerd://", ""));
  }

  async function topOf(pod: string): Promise<{ readonly millicores: number; readonly megabytes: number }> {
    const { stdout } = await skerry.kubectl("top", "pod", pod, "--no-headers");
    const [, millicores, megabytes] = / +(\d+)m +(\d+)Mi/.exec(stdout) ?? [];
    return { millicores: Number(millicores), megabytes: Number(megabytes) };
  }

  test("kubectl top's memory agrees with the control group within 5 %", async () => {
    const script = "dd if=/dev/zero of=/memory/x bs=1048576 count=64 && exec sleep 1000000";
    const group = await runPod(
      "holds",
      { command: ["sh", "-c", script], volumeMounts: [{ name: "memory", mountPath: "/memory" }] },
      { volumes: [{ name: "memory", emptyDir: { medium: "Memory" } }] },
    );
    const top = await waitUntil("kubectl top shows all of it", async () => {
      const { megabytes } = await topOf("holds");
      return megabytes >= 60 ? megabytes : undefined;
    });
    const counted = group.workingSetBytes() / 1024 / 1024;
    assert.ok(isWithinFivePercent(top, counted), `kubectl top says ${top} MiB, the control group ${counted} MiB`);
    const before = group.cpuNanos();
    const summary = JSON.parse(await skerry.kubectlOk("get", "--raw", `/api/v1/nodes/${NODE}/proxy/stats/summary`));
    const after = group.cpuNanos();
    const shown = summary.pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === "holds");
    const nanos: number = shown.cpu.usageCoreNanoSeconds;
    assert.ok(before <= nanos && nanos <= after, `${before} <= ${nanos} <= ${after}`);
    assert.match(await skerry.kubectlOk("top", "node", "--no-headers"), /^edge-node-1 +\d+m +\d+% +\d+Mi +\d+%/);
  });

  test("kubectl top's CPU agrees with the control group within 5 %, for a pod that burns a known share of a processor", async () => {
    const limits = { cpu: `${BURNT_MILLICORES}m` };
    const group = await runPod("burns", { command: ["sh", "-c", "while :; do :; done"], resources: { limits } });
    await waitUntil("kubectl top agrees with what is counted meanwhile", async () => {
      const begin = { atMs: performance.now(), nanos: group.cpuNanos() };
      // Longer than the ten seconds for which an answer is kept.
      await delay(12_000);
      const { millicores } = await topOf("burns");
      const counted = (group.cpuNanos() - begin.nanos) / (performance.now() - begin.atMs) / 1000;
      if (isWithinFivePercent(millicores, counted)) return true;
      throw new Error(`kubectl top says ${millicores} m, the control group ${counted.toFixed(1)} m`);
    });
    await skerry.kubectlOk("delete", "pod", "burns", "--wait=false");
  });

  test("what a node measured while it was cut off is scraped after the reconnect, with the times of then, once", async () => {
    const scrape = async (scraper: string): Promise<{ text: string; times: number[] }> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics/nodes?scraper=${scraper}`)).text();
      const lines = text.matchAll(/^pod_memory_working_set_bytes\{node="edge-node-1",.*pod="holds"\} \d+ (\d+)$/gm);
      return { text, times: [...lines].map(([, time]) => Number(time)) };
    };
    assert.equal((await scrape("a")).times.length, 1);
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    const cutMs = Date.now();
    await waitUntil("the cloud has noticed", async () => (await scrape("a")).times.length === 0);
    await delay(OUTAGE_MS);
    const restoredMs = Date.now();
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    const first = await waitUntil("the node is scraped again", async () => {
      const found = await scrape("a");
      return found.times.length > 0 && found;
    });
    assert.ok(first.times.length >= 2, first.text);
    assert.deepEqual(first.times, [...first.times].sort());
    const offline = first.times.slice(0, -1);
    assert.ok(
      offline.every((time) => time > cutMs && time < restoredMs + 1000),
      `${cutMs} ${offline} ${restoredMs}`,
    );
    assert.equal((await scrape("a")).times.length, 1, "a second time there is only what is now");
    assert.deepEqual((await scrape("b")).times.slice(0, -1), offline, "another scraper gets it too");
  });
});

// A node that runs short of something: the pod that eats it is the one that is evicted, and its neighbour is not touched.
// The node's folder is a small disk of its own, and the thresholds lie just below what is there, so that the machine
// itself is never short.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { podOf } from "./support/planted-pods.ts";
import { run, runOk } from "./support/run.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const MIB = 2 ** 20;
/** The node's disk; what is written there is memory of this machine. */
const DISK = "size=600m,mode=711";
/** What pods together may have of the machine's memory. */
const PODS_MEMORY_MIB = 400;
/** What eats is given about twice of what makes it short. */
const LEFT = { diskMib: 60, inodes: 2000, processes: 500 };

const shell = (script: string): object => ({ command: ["sh", "-c", `${script}; exec sleep 1000000`] });
const mounted = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
const onDisk = { volumes: [{ name: "data", emptyDir: {} }] };

const eaters = [
  {
    what: "memory",
    condition: "MemoryPressure",
    pod: podOf(
      "eats-memory",
      { ...shell("head -c 370m /dev/zero > /data/x"), ...mounted },
      { volumes: [{ name: "data", emptyDir: { medium: "Memory" } }] },
    ),
  },
  {
    what: "ephemeral-storage",
    condition: "DiskPressure",
    pod: podOf("eats-disk", { ...shell("head -c 120m /dev/zero > /data/x"), ...mounted }, onDisk),
  },
  {
    what: "inodes",
    condition: "DiskPressure",
    pod: podOf(
      "eats-inodes",
      { ...shell("mkdir /data/d; cd /data/d; for i in $(seq 4000); do : > $i; done"), ...mounted },
      onDisk,
    ),
  },
  {
    what: "pids",
    condition: "PIDPressure",
    pod: podOf("eats-processes", shell("for i in $(seq 900); do sleep 1000000 & done")),
  },
];

suite("a node under pressure", { concurrency: false }, () => {
  let skerry: Installation;
  let disk: string;

  before(async () => {
    skerry = await Installation.create("pressure");
    disk = join(skerry.home, NODE);
    mkdirSync(disk);
    await runOk("mount", "-t", "tmpfs", "-o", DISK, "tmpfs", disk);
    await skerry.up("--no-examples");
    await create(podOf("neighbour", mounted, onDisk));
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/neighbour", "--timeout=120s");
    await setThresholds();
  });

  after(async () => {
    assert.equal((await skerry.skerry("down")).status, 0);
    const unmounted = await run(["umount", disk]);
    assert.equal(unmounted.status, 0, unmounted.stderr);
    await skerry.dispose();
  });

  for (const { what, condition, pod } of eaters)
    test(`the pod that eats ${what} is evicted, its neighbour is not touched`, async () => {
      const untouched = await containerOf("neighbour");
      const name = await create(pod);
      const { status } = await evicted(name);
      assert.equal(status.phase, "Failed");
      assert.match(status.message, new RegExp(`^The node was low on resource: ${what}\\. Threshold quantity: `));
      await waitUntil(`the node tells ${condition}`, async () => {
        const events = await skerry.kubectlOk("get", "events", "-A", "--field-selector", "reason=EvictionThresholdMet");
        return events.includes(`Attempting to reclaim ${what}`);
      });
      await skerry.kubectlOk("delete", "pod", name, "--timeout=120s");
      await waitUntil("the node is short of nothing", async () => {
        const { status: node } = await skerry.get("node", NODE);
        return node.conditions.every(
          (each: { type: string; status: string }) => each.type === "Ready" || each.status === "False",
        );
      });
      assert.equal(await containerOf("neighbour"), untouched);
    });

  test("a pod that exceeds the limit of its own emptyDir is evicted, whatever the node has left", async () => {
    const volumes = [{ name: "data", emptyDir: { sizeLimit: "1Mi" } }];
    const name = await create(
      podOf("exceeds", { ...shell("head -c 2m /dev/zero > /data/x"), ...mounted }, { volumes }),
    );
    assert.equal((await evicted(name)).status.message, 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ');
    await skerry.kubectlOk("delete", "pod", name, "--timeout=120s");
  });

  async function create(pod: object): Promise<string> {
    const applied = await skerry.kubectlWith(JSON.stringify(pod), "apply", "-f", "-", "-o", "name");
    assert.equal(applied.status, 0, applied.stderr);
    return applied.stdout.trim().replace("pod/", "");
  }

  // biome-ignore lint/suspicious/noExplicitAny: raw JSON of the API, read by assertions.
  function evicted(name: string): Promise<any> {
    return waitUntil(`${name} is evicted`, async () => {
      const pod = await skerry.get("pod", name);
      return pod.status.reason === "Evicted" && pod;
    });
  }

  async function containerOf(name: string): Promise<string> {
    const { status } = await skerry.get("pod", name);
    const [{ containerID, restartCount }] = status.containerStatuses;
    return `${containerID} ${restartCount}`;
  }

  /** EdgeCore's next process finds thresholds just below what is there now. */
  async function setThresholds(): Promise<void> {
    const path = join(disk, "edgecore.yaml");
    const text = readFileSync(path, "utf8");
    const [comments = ""] = /^(#.*\n)*/.exec(text) ?? [];
    const config = JSON.parse(text.slice(comments.length));
    const { bavail, bsize, ffree } = statfsSync(disk);
    const limits = ["pid_max", "threads-max"].map((name) => Number(readFileSync(`/proc/sys/kernel/${name}`, "utf8")));
    const running = Number(/\d+\/(\d+)/.exec(readFileSync("/proc/loadavg", "utf8"))?.[1]);
    Object.assign(config.modules.edged.tailoredKubeletConfig, {
      evictionHard: {
        "memory.available": "50Mi",
        "nodefs.available": String(bavail * bsize - LEFT.diskMib * MIB),
        "nodefs.inodesFree": String(ffree - LEFT.inodes),
        "imagefs.available": "0%",
        "pid.available": String(Math.min(...limits) - running - LEFT.processes),
      },
      evictionPressureTransitionPeriod: "3s",
      systemReserved: { memory: String(totalmem() - PODS_MEMORY_MIB * MIB) },
    });
    writeFileSync(path, comments + JSON.stringify(config, null, 2));
    const { parts } = JSON.parse((await skerry.skerry("status", "-o", "json")).stdout) as {
      parts: { name: string; processId?: number }[];
    };
    const processId = parts.find((part) => part.name.startsWith("edgecore"))?.processId;
    assert.ok(processId);
    process.kill(processId, "SIGKILL");
    await waitUntil("EdgeCore runs again", async () => {
      const { stdout } = await skerry.skerry("status", "-o", "json");
      const again = JSON.parse(stdout).parts.find((part: { name: string }) => part.name.startsWith("edgecore"));
      return again?.state.kind === "running" && again.processId !== processId;
    });
    await skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
  }
});

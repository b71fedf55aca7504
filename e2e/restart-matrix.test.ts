// What runs on a node when parts of it die, its disk or clock is put back, with the cloud there or not. The tables below
// say what must come of each pod. Two of the cells are run here, all of them by `npm run test:long`.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { sendSignal } from "@skerry/base/platform";
import { Installation } from "./support/installation.ts";
import { processesBelow, processesWith } from "./support/processes.ts";
import { SecondMachine } from "./support/second-machine.ts";
import { SettableClock } from "./support/settable-clock.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-2";
/** The edge's processes look at the file of their clock each second. */
const CLOCK_READ_MS = 5000;

const FAULTS = [
  "EdgeCore killed with -9",
  "containerd killed with -9",
  "both killed with -9",
  "all processes gone, as after a power cut",
  "the database put back from an old copy",
  "the clock set a day forward",
] as const;
type Fault = (typeof FAULTS)[number];

/** `untouched`: its process runs on. `anew`: another process of the same pod runs. `over`: nothing of it is left. */
type Outcome = "untouched" | "anew" | "over";
type Role = "deployed" | "probed" | "static" | "job" | "leaving";

const RUNS_ON: Readonly<Record<Role, Outcome>> = {
  deployed: "untouched",
  probed: "untouched",
  static: "untouched",
  job: "untouched",
  leaving: "over",
};

const ALL_ANEW: typeof RUNS_ON = { deployed: "anew", probed: "anew", static: "anew", job: "anew", leaving: "over" };

/** What has become of each pod when the parts run again, and before the cloud is back where it was away. */
const EXPECTED: Readonly<Record<Fault, { online: typeof RUNS_ON; offline: typeof RUNS_ON }>> = {
  "EdgeCore killed with -9": { online: RUNS_ON, offline: RUNS_ON },
  "containerd killed with -9": { online: RUNS_ON, offline: RUNS_ON },
  "both killed with -9": { online: RUNS_ON, offline: RUNS_ON },
  "all processes gone, as after a power cut": { online: ALL_ANEW, offline: ALL_ANEW },
  "the database put back from an old copy": {
    online: RUNS_ON,
    // The copy knows nothing of the job and of the deletion; without the cloud nothing that runs is ended.
    offline: { ...RUNS_ON, leaving: "untouched" },
  },
  "the clock set a day forward": { online: RUNS_ON, offline: RUNS_ON },
};

const IN_EACH_RUN: readonly string[] = [
  "both killed with -9, offline",
  "all processes gone, as after a power cut, offline",
];

suite("restart matrix", { concurrency: false }, () => {
  let cloud: Installation;
  let machine: SecondMachine;
  let folder: string;
  let clock: SettableClock;
  let address: string;
  let cells = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skerry-matrix-"));
    cloud = await Installation.create("matrix");
    machine = await SecondMachine.create({ hidden: [cloud.home] });
    clock = await SettableClock.create(folder, machine);
    await cloud.up("--no-node", "--no-examples");
    address = JSON.parse((await cloud.skerry("token", "-o", "json")).stdout).websocket.split(":")[0];
    await machine.routeTo(address);
    const file = join(folder, "edgecore.yaml");
    writeFileSync(file, (await cloud.skerry("token", "--node", NODE)).stdout, { mode: 0o600 });
    const joined = await clock.skerry("join", file, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    mkdirSync(join(nodeFolder(), "manifests"), { recursive: true });
    writeFileSync(join(nodeFolder(), "manifests", "static.json"), JSON.stringify(pod("static", FOREVER, {}, {}, kept)));
    await apply(deployment(), probedPod());
    await cloud.kubectlOk("rollout", "status", "deployment/deployed", "--timeout=120s");
    await cloud.kubectlOk("wait", "--for=condition=Ready", "pod/probed", "--timeout=120s");
    await waitUntil("the static pod is Ready", async () => {
      const { status } = await cloud.get("pod", `static-${NODE}`);
      return status.containerStatuses?.[0]?.ready === true;
    });
    await copyDatabase();
  });
  after(async () => {
    try {
      await machine?.dispose();
    } finally {
      await cloud.dispose();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  // A cell that failed leaves the next ones what they need.
  afterEach(async () => {
    clock.set("+0");
    await plugIn();
  });

  for (const fault of FAULTS)
    for (const link of ["online", "offline"] as const) {
      const cell = `${fault}, ${link}`;
      if (process.env["SKERRY_E2E_LONG"] !== "1" && !IN_EACH_RUN.includes(cell)) continue;
      test(`${cell}: each pod is as the table says, and so it stays when the cloud is back`, async () => {
        cells++;
        await apply(job(), leavingPod(EXPECTED[fault][link].leaving === "over" ? 8 : 40));
        for (const chosen of [["-l", `job-name=job-${cells}`], [`leaving-${cells}`]])
          await waitUntil("the cell's own pods are Ready", async () => {
            const ready = await cloud.kubectl("wait", "--for=condition=Ready", "pod", ...chosen, "--timeout=60s");
            return ready.status === 0;
          });
        const before = processes();
        for (const role of Object.keys(RUNS_ON) as Role[]) assert.equal(before[role].length, 1, role);
        await cloud.kubectlOk("delete", "pod", `leaving-${cells}`, "--wait=false");
        await waitUntil("the node ends the pod", async () => {
          const selector = `involvedObject.name=leaving-${cells},reason=Killing`;
          return (await cloud.get("events", "--field-selector", selector)).items.length > 0;
        });
        if (link === "offline") await machine.setCable("down");
        await inflict(fault);
        const expected = EXPECTED[fault][link];
        await waitUntil("each pod is as expected", async () => {
          const now = processes();
          return (Object.keys(expected) as Role[]).every((role) => isAs(expected[role], before[role], now[role]));
        });
        const settled = processes();
        if (link === "offline") await plugIn();
        await cloud.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
        await waitUntil("the deleted pod is gone for good", async () => {
          const { items } = await cloud.get("pods");
          return !items.some(({ metadata }: Pod) => metadata.name === `leaving-${cells}`);
        });
        assert.deepEqual(processes().leaving, []);
        writeFileSync(join(folder, `job-${cells}`), "");
        await cloud.kubectlOk("wait", "--for=condition=Complete", `job/job-${cells}`, "--timeout=120s");
        const { items: ofJob } = await cloud.get("pods", "-l", `job-name=job-${cells}`);
        const restarts = ofJob.map(({ status }: Pod) => status.containerStatuses[0]?.restartCount);
        assert.deepEqual(restarts, [expected.job === "anew" ? 1 : 0]);
        await waitUntil("the three that stay are Ready", async () => {
          const { items } = await cloud.get("pods", "-l", "kept=yes");
          return items.length === 3 && items.every(({ status }: Pod) => status.containerStatuses[0]?.ready);
        });
        for (const role of ["deployed", "probed", "static"] as const)
          assert.deepEqual(processes()[role], settled[role], role);
        await cloud.kubectlOk("delete", "job", `job-${cells}`, "--timeout=120s");
      });
    }

  function isAs(outcome: Outcome, before: readonly number[], now: readonly number[]): boolean {
    const [first] = before;
    if (outcome === "over") return now.length === 0;
    if (outcome === "untouched") return now.length === 1 && now[0] === first;
    return now.length === 1 && now[0] !== first;
  }

  async function inflict(fault: Fault): Promise<void> {
    switch (fault) {
      case "EdgeCore killed with -9":
        return kill(["edgecore"]);
      case "containerd killed with -9":
        return kill(["containerd"]);
      case "both killed with -9":
        return kill(["edgecore", "containerd"]);
      case "all processes gone, as after a power cut":
        return kill(["edgecore", "containerd", "mosquitto"], shimsAndContainers);
      case "the database put back from an old copy":
        process.kill(await partId("edgecore"), "SIGSTOP"); // Not to write while its files are replaced.
        for (const name of databaseFiles()) rmSync(join(nodeFolder(), name));
        cpSync(join(folder, "copy"), nodeFolder(), { recursive: true });
        return kill(["edgecore"]);
      case "the clock set a day forward":
        clock.set("+1d");
        await delay(CLOCK_READ_MS);
    }
  }

  const nodeFolder = (): string => join(machine.home, NODE);
  const databaseFiles = (): string[] => readdirSync(nodeFolder()).filter((name) => /^edgecore\.db(-\w+)?$/.test(name));

  async function copyDatabase(): Promise<void> {
    const edgecore = await partId("edgecore");
    process.kill(edgecore, "SIGSTOP");
    mkdirSync(join(folder, "copy"));
    for (const name of databaseFiles()) cpSync(join(nodeFolder(), name), join(folder, "copy", name));
    process.kill(edgecore, "SIGCONT");
  }

  /** Process ids of the machine's parts, by their first word. */
  async function parts(): Promise<ReadonlyMap<string, number>> {
    const { stdout } = await machine.skerry("status", "-o", "json");
    const { parts: all } = JSON.parse(stdout) as {
      parts: { name: string; processId?: number; state: { kind: string } }[];
    };
    return new Map(
      all.flatMap(({ name, processId, state }) =>
        processId === undefined || state.kind !== "running" ? [] : [[name.split(" ")[0] ?? "", processId] as const],
      ),
    );
  }

  async function partId(name: string): Promise<number> {
    return waitUntil(`${name} runs`, async () => (await parts()).get(name));
  }

  /** Kills parts, and what else there is to kill, at once; waits until others run in their place. */
  async function kill(names: readonly string[], others: () => readonly number[] = () => []): Promise<void> {
    const killed = await Promise.all(names.map(partId));
    for (const id of [...killed, ...others()]) sendSignal(id, "SIGKILL");
    await waitUntil(`${names.join(", ")} run again`, async () => {
      const now = await parts();
      return names.every((name) => now.has(name) && !killed.includes(now.get(name) ?? 0));
    });
  }

  function shimsAndContainers(): readonly number[] {
    return processesBelow(processesWith("containerd-shim", machine.home));
  }

  async function plugIn(): Promise<void> {
    await machine.setCable("up");
    await machine.run("ip", "route", "replace", `${address}/32`, "via", machine.address.replace(/2$/, "1"));
  }

  async function apply(...objects: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const applied = await cloud.kubectlWith(list, "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
  }

  /** The machine's processes of each pod; the current ones of the two that each cell has of its own. */
  function processes(): Readonly<Record<Role, readonly number[]>> {
    return {
      deployed: processesWith(marker("deployed")),
      probed: processesWith(marker("probed")),
      static: processesWith(marker("static")),
      job: processesWith(marker(`job-${cells}`)),
      leaving: processesWith(marker(`leaving-${cells}`)),
    };
  }

  const job = (): object => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: `job-${cells}` },
    spec: {
      template: {
        spec: template(
          `job-${cells}`,
          `until [ -e /signals/job-${cells} ]; do sleep 1; done`,
          { volumeMounts: [{ name: "signals", mountPath: "/signals" }] },
          { restartPolicy: "OnFailure", volumes: [{ name: "signals", hostPath: { path: folder } }] },
        ),
      },
    },
  });
  const leavingPod = (terminationGracePeriodSeconds: number): object =>
    pod(`leaving-${cells}`, "trap '' TERM; while :; do sleep 1; done", {}, { terminationGracePeriodSeconds });
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses: readonly { readonly restartCount: number; readonly ready: boolean }[];
  };
}

/** In the command line of the pod's process, and in no other. */
const marker = (name: string): string => `matrix-${process.pid}-${name}.`;
const kept = { kept: "yes" };
const PROBE = { exec: { command: ["true"] }, periodSeconds: 1, failureThreshold: 30 };

function template(name: string, script: string, container: object, spec: object): object {
  return {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "app",
        image: "edge-app:latest",
        imagePullPolicy: "IfNotPresent",
        command: ["sh", "-c", script, marker(name)],
        ...container,
      },
    ],
    ...spec,
  };
}

function pod(name: string, script: string, container: object = {}, spec: object = {}, labels: object = {}): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: template(name, script, container, spec) };
}

const FOREVER = "while :; do sleep 1000; done";

function probedPod(): object {
  return pod("probed", FOREVER, { readinessProbe: PROBE, livenessProbe: PROBE }, {}, kept);
}

function deployment(): object {
  const metadata = { labels: { ...kept, app: "deployed" } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "deployed" },
    spec: {
      selector: { matchLabels: { app: "deployed" } },
      template: { metadata, spec: template("deployed", FOREVER, {}, {}) },
    },
  };
}

import { type KubernetesObject, pods } from "@skerry/api";
import type { Clock } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { demoStepFailed } from "../errors.ts";
import type { NodeRuntime } from "../noderuntime/node-runtime.ts";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { createExamples } from "../supervisor/cluster/create-examples.ts";
import { isNodeReady } from "../supervisor/cluster/wait-for-node.ts";
import { askSupervisor } from "../supervisor/control-channel.ts";
import { type StepListener, step } from "../supervisor/steps.ts";
import { AppMonitor, type AppPod, appAnswers, appReady, containerId, scaleApp } from "./app.ts";
import { DemoDevice } from "./device.ts";
import { eventually } from "./eventually.ts";
import { NodeProcesses } from "./node-processes.ts";
import { SettingsPod } from "./settings-pod.ts";

/** What the story is played on. */
export interface StoryOptions {
  readonly home: SkerryHome;
  readonly settings: Settings;
  readonly node: string;
  readonly runtime: NodeRuntime;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly tell: StepListener;
}

/** Plays the whole story; rejects with the first step that does not hold. */
export async function playStory(options: StoryOptions): Promise<void> {
  const { api, clock, settings, node, home } = options;
  const run = <T>(title: string, work: () => Promise<T>, detail?: (value: T) => string): Promise<T> =>
    step(clock, options.tell, title, work, detail);
  const processes = new NodeProcesses(home, node, options.runtime, clock);

  chapter(options, "An app runs on the edge node");
  await createExamples(api);
  await scaleApp(api, 2);
  const before = await run(
    "the app runs twice",
    () => appReady(api, clock, 2),
    (list) => list.map(nameOf).join(", "),
  );
  await run(
    "each pod is a real container",
    () => containersRun(processes, before),
    (ids) => ids.join(", "),
  );
  const [stays, leaves] = before;
  if (!stays || !leaves) throw demoStepFailed("two pods are there", 0, "");
  const address = stays.status?.podIP ?? "";
  await run(
    "it answers on port 8080",
    () => appAnswers(clock, address),
    () => `http://${address}:8080`,
  );

  await using settingsPod = new SettingsPod(api, clock);
  await run("another pod shows a ConfigMap", () => settingsPod.create(node, "before"));

  chapter(options, "A device's values flow both ways");
  await using device = await DemoDevice.create(api, clock, settings.mqttPort, node);
  await run("the edge node knows the device", () => device.knownAtEdge());
  await run("its very first value is in the Device", async () => {
    await device.report("7");
    await device.reportedInCloud("7");
  });
  await run("a wish set in the cloud is on MQTT", async () => {
    await device.desire("11");
    await device.deltaAtEdge("11");
  });

  chapter(options, "The cable is pulled; the edge carries on");
  await askSupervisor(home, { command: "cut", node });
  try {
    await playOffline(options, run, { processes, device, settingsPod, stays, leaves });
  } finally {
    await askSupervisor(home, { command: "restore", node });
  }

  chapter(options, "The cable is back; both sides agree");
  await run("the node is Ready", () =>
    eventually(clock, "the node is Ready", async () => (await isNodeReady(api, node)) || undefined),
  );
  const after = await run(
    "three pods run, the deleted one is gone",
    async () => {
      const ready = await appReady(api, clock, 3);
      if (ready.some((pod) => pod.metadata.uid === leaves.metadata.uid))
        throw demoStepFailed("the deleted pod is gone", 0, "");
      return ready;
    },
    (list) => list.map(nameOf).join(", "),
  );
  await run("nothing was restarted by the reconnect", () => sameContainers(processes, after, stays));
  await run("the offline value is in the Device", () => device.reportedInCloud("8"));
  await run("the wish of the meantime is on MQTT", () => device.deltaAtEdge("12"));
  await run("the pod shows the changed ConfigMap", () => settingsPod.shows("after"));

  await scaleApp(api, 1);
  await run("the app is scaled back", () => appReady(api, clock, 1));
}

type Run = <T>(title: string, work: () => Promise<T>, detail?: (value: T) => string) => Promise<T>;

/** Who plays in the middle of the story. */
interface Cast {
  readonly processes: NodeProcesses;
  readonly device: DemoDevice;
  readonly settingsPod: SettingsPod;
  /** The pod that outlives the story, and the one that is deleted in the cloud while the link is cut. */
  readonly stays: AppPod;
  readonly leaves: AppPod;
}

async function playOffline(options: StoryOptions, run: Run, cast: Cast): Promise<void> {
  const { api, clock } = options;
  const { processes, device, settingsPod, stays, leaves } = cast;
  const address = stays.status?.podIP ?? "";
  const running = await processes.tasks();
  const monitor = new AppMonitor(clock, address);
  await run("EdgeCore is killed with -9 and comes back", () => processes.killEdgeCore());
  await run("the containers are the same", async () => {
    for (const id of running.keys())
      if (!(await processes.tasks()).has(id)) throw demoStepFailed(`container ${id} still runs`, 0, "");
  });
  await run(
    "the app answered throughout",
    async () => {
      const { answers, failures } = await monitor.stop();
      if (failures > 0 || answers === 0)
        throw demoStepFailed("the app answers throughout", 0, `${failures} requests failed`);
      return answers;
    },
    (answers) => `${answers} requests`,
  );

  await run("the app's process is killed and comes back", async () => {
    await processes.killContainer(containerId(stays));
    await eventually(clock, "another container runs", async () =>
      [...(await processes.tasks()).keys()].some((id) => !running.has(id)) ? true : undefined,
    );
    await appAnswers(clock, address);
  });
  await run("in the cloud: scaled to 3, one pod deleted, a ConfigMap and a wish changed", async () => {
    await scaleApp(api, 3);
    await api.delete({ resource: pods, namespace: "default", name: leaves.metadata.name });
    await settingsPod.change("after");
    await device.desire("12");
  });
  await run("at the edge: the device reports a new value", () => device.report("8"));
  const before = new Set((await processes.tasks()).keys());
  await run("all containers and EdgeCore are killed, as by a reboot: the pods are back", async () => {
    await processes.killEverything();
    await eventually(clock, "the pods run again, without the cloud", async () => {
      const now = [...(await processes.tasks()).keys()];
      return now.length >= before.size && now.every((id) => !before.has(id)) ? true : undefined;
    });
  });
  await run("nothing from the cloud came through meanwhile", async () => {
    if (device.hasDelta("12")) throw demoStepFailed("the cut link holds back the wish", 0, "");
  });
}

function chapter(options: StoryOptions, title: string): void {
  options.tell({ kind: "note", text: title });
}

function nameOf(pod: KubernetesObject): string {
  return pod.metadata.name;
}

async function containersRun(processes: NodeProcesses, list: readonly AppPod[]): Promise<string[]> {
  const tasks = await processes.tasks();
  return list.map((pod) => {
    const id = containerId(pod);
    if (!tasks.has(id)) throw demoStepFailed(`the runtime has the container of ${nameOf(pod)}`, 0, id);
    return id.slice(0, 12);
  });
}

/** The pod that stayed has one restart from its killed process and one from the reboot, and none from the reconnect. */
async function sameContainers(processes: NodeProcesses, list: readonly AppPod[], stays: AppPod): Promise<void> {
  const pod = list.find((candidate) => candidate.metadata.uid === stays.metadata.uid);
  if (!pod) throw demoStepFailed(`${nameOf(stays)} is still there`, 0, "");
  await containersRun(processes, list);
  const restarts =
    (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) - (stays.status?.containerStatuses?.[0]?.restartCount ?? 0);
  if (restarts > 2) throw demoStepFailed(`${nameOf(pod)} was restarted twice`, 0, `${restarts} times`);
}

import { sleep } from "@skerry/base";
import type { ContainerRuntime } from "@skerry/edgecore";
import type { FakeContainerRuntime } from "@skerry/edgecore/testing";
import type { CrashPoints } from "./crash-points.ts";
import type { NodeHistory } from "./history.ts";
import type { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";

const ENDING_CALLS: ReadonlySet<string> = new Set(["stopContainer", "removeContainer", "stopSandbox", "removeSandbox"]);

/**
 * The machine's container runtime as one EdgeCore process sees it: every call takes a while, and when the process dies
 * in between, the call may have happened but nobody learns of it.
 */
export function mortalRuntime(
  runtime: FakeContainerRuntime,
  life: ProcessLife,
  crashPoints: CrashPoints,
  random: SeededRandom,
  history: NodeHistory,
  isLiving: (podUid: string) => boolean,
): ContainerRuntime {
  const call = async <T>(name: string, parameters: readonly unknown[], method: () => Promise<T>): Promise<T> => {
    if (name === "startContainer") recordAsked(runtime, String(parameters[0]), history);
    if (ENDING_CALLS.has(name)) recordEnding(runtime, name, String(parameters[0]), history, isLiving);
    await sleep(life.clock, random.between(1, 40));
    const result = await method();
    if (name === "startContainer") recordStart(runtime, String(parameters[0]), history);
    await sleep(life.clock, random.between(1, 20));
    return result;
  };
  return new Proxy<ContainerRuntime>(runtime, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name === "symbol") return member;
      // Asked once a process, and answered by silence: no call whose time or death would tell anything.
      if (name === "watchContainers") return watching(target, life);
      return (...parameters: unknown[]) =>
        crashPoints.around("runtime", () =>
          call(name, parameters, () => Promise.resolve(Reflect.apply(member, target, parameters))),
        );
    },
  });
}

function watching(runtime: ContainerRuntime, life: ProcessLife): ContainerRuntime["watchContainers"] {
  const unlessDead = (onChange: () => void) => (): void => {
    if (life.alive) onChange();
  };
  return (onChange, signal) => life.whileAlive(runtime.watchContainers(unlessDead(onChange), signal));
}

/** The moment EdgeCore decides; what happens to be on its way when a deletion is committed cannot be called back. */
function recordAsked(runtime: FakeContainerRuntime, containerId: string, history: NodeHistory): void {
  const podUid = runtime.podOf(containerId);
  if (podUid !== undefined) history.add({ kind: "container-start-asked", podUid, containerId });
}

function recordStart(runtime: FakeContainerRuntime, containerId: string, history: NodeHistory): void {
  const running = runtime.running();
  const started = running.find(({ id }) => id === containerId);
  if (!started) return;
  const { uid: podUid, name: container } = started;
  const besides = running.filter(({ id, uid, name }) => id !== containerId && uid === podUid && name === container);
  history.add({ kind: "container-started", podUid, container, containerId, besides: besides.map(({ id }) => id) });
}

function recordEnding(
  runtime: FakeContainerRuntime,
  call: string,
  target: string,
  history: NodeHistory,
  isLiving: (podUid: string) => boolean,
): void {
  for (const { uid: podUid, id: containerId, sandboxId } of runtime.running())
    if ((containerId === target || sandboxId === target) && isLiving(podUid))
      history.add({ kind: "living-container-stopped", podUid, containerId, call });
}

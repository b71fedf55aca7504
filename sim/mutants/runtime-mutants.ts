import type { ContainerRuntime, RuntimeContainer } from "@skerry/edgecore";
import type { Mutant, MutatedEdge } from "./mutant.ts";

/** Bugs in what the edge does with its containers. */
export const RUNTIME_MUTANTS: readonly Mutant[] = [
  {
    name: "restarted-by-reconnect",
    description: "when the cloud is back the edge starts its containers anew",
    mutateRuntime: stoppingAtReconnect,
  },
  {
    name: "lost-container-not-noticed",
    description: "the edge believes that a container runs which the runtime has lost",
    mutateRuntime: rememberingContainers,
  },
  {
    name: "events-believed",
    description: "the edge lists containers again only when the runtime's events say that something has happened",
    mutateRuntime: believingEvents,
  },
];

/** The runtime with some of its calls replaced. */
function replacing(runtime: ContainerRuntime, calls: Partial<ContainerRuntime>): ContainerRuntime {
  return new Proxy(runtime, {
    get: (target, name): unknown => Reflect.get(name in calls ? calls : target, name),
  });
}

function stoppingAtReconnect(runtime: ContainerRuntime, { isCloudReachable }: MutatedEdge): ContainerRuntime {
  let wasReachable = true;
  return replacing(runtime, {
    listSandboxes: async (filter) => {
      const isBack = isCloudReachable() && !wasReachable;
      wasReachable = isCloudReachable();
      for (const { id, state } of isBack ? await runtime.listContainers() : [])
        if (state === "running") await runtime.stopContainer(id, 0);
      return runtime.listSandboxes(filter);
    },
  });
}

/** A container that ran is listed for ever, unless it was seen to end or is removed. */
function rememberingContainers(runtime: ContainerRuntime): ContainerRuntime {
  const seen = new Map<string, RuntimeContainer>();
  const matches = ({ labels }: RuntimeContainer, filter: Readonly<Record<string, string>>): boolean =>
    Object.entries(filter).every(([name, value]) => labels[name] === value);
  return replacing(runtime, {
    listContainers: async (filter = {}) => {
      const listed = await runtime.listContainers(filter);
      const missing = new Map([...seen].filter(([, container]) => matches(container, filter)));
      for (const container of listed) {
        missing.delete(container.id);
        if (container.state === "running") seen.set(container.id, container);
        else seen.delete(container.id);
      }
      return [...listed, ...missing.values()];
    },
    containerStatus: async (id) => {
      const status = await runtime.containerStatus(id);
      const remembered = seen.get(id);
      if (status || !remembered) return status;
      const { createdAtMs: startedAtMs } = remembered;
      return { ...remembered, startedAtMs, finishedAtMs: 0, exitCode: 0, reason: "", message: "", image: "" };
    },
    removeContainer: async (id) => {
      seen.delete(id);
      await runtime.removeContainer(id);
    },
    stopContainer: async (id, graceSeconds) => {
      seen.delete(id);
      await runtime.stopContainer(id, graceSeconds);
    },
  });
}

/** Once an event has come, a listing of all is the one of the last event. */
function believingEvents(runtime: ContainerRuntime): ContainerRuntime {
  let listed: Promise<RuntimeContainer[]> | undefined;
  let areEventsTold = false;
  return replacing(runtime, {
    watchContainers: (onChange, signal) =>
      runtime.watchContainers(() => {
        areEventsTold = true;
        listed = undefined;
        onChange();
      }, signal),
    listContainers: (filter) => {
      if (filter || !areEventsTold) return runtime.listContainers(filter);
      listed ??= runtime.listContainers();
      return listed;
    },
  });
}

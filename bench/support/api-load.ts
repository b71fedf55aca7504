import { configMaps, type KubernetesObject, namespaces, nodes, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { closedLoop, type LoopResult } from "./closed-loop.ts";

const NAMESPACE = "skerry-bench";
const LABELS = { bench: "api" };
const CLIENTS = 16;
/** As many bytes as a small configuration has. */
const PAYLOAD = "x".repeat(1_000);
const MAPS = 2_000;
const ALONE = 300;
const LISTS = 40;
const WATCHES = 100;
const WATCHED_WRITES = 100;
const WATCH_LIMIT_MS = 60_000;

/** One thing that was measured. */
export interface Series {
  readonly what: string;
  readonly result: LoopResult;
}

const configMap = (name: string): KubernetesObject & { readonly data: Readonly<Record<string, string>> } => ({
  ...{ apiVersion: "v1", kind: "ConfigMap" },
  metadata: { name, labels: LABELS },
  data: { payload: PAYLOAD },
});
const maps = { resource: configMaps, namespace: NAMESPACE };

/** Makes the namespace that everything is in, but for the nodes. */
export async function openBench(api: KubernetesApi): Promise<void> {
  await api.create({ resource: namespaces }, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
}

/** Removes what the load has left: the namespace, in which the pods go with it, and the nodes. */
export async function closeBench(api: KubernetesApi): Promise<void> {
  const podTarget = { resource: pods, namespace: NAMESPACE };
  const { items } = await api.list(podTarget);
  await closedLoop(items.length, CLIENTS, (index) =>
    api.delete({ ...podTarget, name: items[index]?.metadata.name ?? "" }, { gracePeriodSeconds: 0 }),
  );
  await api.delete({ resource: namespaces, name: NAMESPACE });
  const { items: own } = await api.list({ resource: nodes }, { labelSelector: "bench=api" });
  await closedLoop(own.length, CLIENTS, (index) =>
    api.delete({ resource: nodes, name: own[index]?.metadata.name ?? "" }),
  );
}

/** Single objects of 1 KB and lists of 2,000 of them, by 16 clients and by one. */
export async function measureCalls(api: KubernetesApi): Promise<Series[]> {
  const at = (index: number): { name: string } & typeof maps => ({ ...maps, name: `map-${index}` });
  const touch = (index: number): Promise<unknown> =>
    api.patch(at(index), { type: "merge", body: { metadata: { annotations: { touched: "yes" } } } });
  const series: Series[] = [];
  const run = async (
    what: string,
    count: number,
    clients: number,
    call: (index: number) => Promise<unknown>,
  ): Promise<void> => {
    series.push({
      what: `${what}, ${clients === 1 ? "one client" : `${clients} clients`}`,
      result: await closedLoop(count, clients, call),
    });
  };
  // Not counted: connections are made and code is compiled.
  await closedLoop(ALONE, CLIENTS, (index) => api.create(maps, configMap(`warm-${index}`)));
  await run("create", ALONE, 1, (index) => api.create(maps, configMap(`alone-${index}`)));
  await run("create", MAPS, CLIENTS, (index) => api.create(maps, configMap(`map-${index}`)));
  await run("get", ALONE, 1, (index) => api.get(at(index)));
  await run("get", 2 * MAPS, CLIENTS, (index) => api.get(at(index % MAPS)));
  await run("patch", ALONE, 1, touch);
  await run("patch", MAPS - ALONE, CLIENTS, (index) => touch(ALONE + index));
  await run(`list of ${MAPS + 2 * ALONE}`, LISTS, 4, () => api.list(maps));
  await run("list, pages of 500", LISTS, 4, () => api.list(maps, { limit: 500 }));
  await run("delete", MAPS, CLIENTS, (index) => api.delete(at(index)));
  return series;
}

/** Writes one after the other, each seen by all watches before the next: from the call to each watch's event. */
export async function measureWatches(api: KubernetesApi): Promise<Series> {
  const stop = new AbortController();
  const { metadata } = await api.list(maps);
  const waiting = new Map<string, { count: number; readonly done: () => void; readonly startMs: number }>();
  const latenciesMs: number[] = [];
  const watching = Array.from({ length: WATCHES }, async () => {
    const options = { resourceVersion: metadata.resourceVersion, signal: stop.signal };
    for await (const event of api.watch<KubernetesObject>(maps, options)) {
      const write = event.type === "BOOKMARK" ? undefined : waiting.get(event.object.metadata.name);
      if (!write) continue;
      latenciesMs.push(performance.now() - write.startMs);
      if (++write.count === WATCHES) write.done();
    }
  });
  const failed = Promise.all(watching).then(() => Promise.reject(new Error("the watches have ended")));
  failed.catch(() => {}); // Told below, and expected at the end.
  let tooLate: (reason: Error) => void = () => {};
  const limit = new Promise<never>((_resolve, reject) => {
    tooLate = reject;
  });
  const timer = setTimeout(
    () => tooLate(new Error(`the watches have not seen all within ${WATCH_LIMIT_MS / 1000} s`)),
    WATCH_LIMIT_MS,
  );
  const beganMs = performance.now();
  for (let index = 0; index < WATCHED_WRITES; index++) {
    const name = `watched-${index}`;
    const seen = new Promise<void>((done) => waiting.set(name, { count: 0, done, startMs: performance.now() }));
    await Promise.race([Promise.all([api.create(maps, configMap(name)), seen]), failed, limit]);
  }
  const callsPerSecond = (1000 * latenciesMs.length) / (performance.now() - beganMs);
  clearTimeout(timer);
  stop.abort();
  return { what: `events to ${WATCHES} watches`, result: { callsPerSecond, latenciesMs } };
}

/** Nodes with ten pods each, as a scheduler has placed them. */
export async function populate(api: KubernetesApi, nodeCount: number, podCount: number): Promise<Series[]> {
  const madeNodes = await closedLoop(nodeCount, CLIENTS, (index) =>
    api.create<KubernetesObject & { readonly status: object }>(
      { resource: nodes },
      {
        ...{ apiVersion: "v1", kind: "Node", metadata: { name: `bench-${index}`, labels: LABELS } },
        status: {
          capacity: { cpu: "4", memory: "8Gi", pods: "110" },
          nodeInfo: { kubeletVersion: "v1.33.0", osImage: "Debian", architecture: "arm64" },
          addresses: [{ type: "InternalIP", address: `10.1.${index >> 8}.${index & 255}` }],
        },
      },
    ),
  );
  const containers = [
    { name: "app", image: "registry.example/app:1", resources: { requests: { cpu: "10m", memory: "16Mi" } } },
  ];
  const target = { resource: pods, namespace: NAMESPACE };
  const madePods = await closedLoop(podCount, CLIENTS, (index) =>
    api.create<KubernetesObject & { readonly spec: object }>(target, {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: `pod-${index}`, labels: { ...LABELS, app: "bench" } } },
      spec: { nodeName: `bench-${index % nodeCount}`, containers, automountServiceAccountToken: false },
    }),
  );
  return [
    { what: `create ${nodeCount} nodes`, result: madeNodes },
    { what: `create ${podCount} pods`, result: madePods },
  ];
}

/** Lists among so many pods: all of them, and those of one node, as a kubelet asks. */
export async function measureLargeLists(api: KubernetesApi, podCount: number): Promise<Series[]> {
  const target = { resource: pods, namespace: NAMESPACE };
  const all = await closedLoop(10, 1, () => api.list(target));
  const own = await closedLoop(50, 4, (index) => api.list(target, { fieldSelector: `spec.nodeName=bench-${index}` }));
  return [
    { what: `list ${podCount} pods, one client`, result: all },
    { what: "list a node's pods, 4 clients", result: own },
  ];
}

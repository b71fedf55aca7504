import { deployments, type KubernetesObject, pods } from "@skerry/api";
import { type Clock, sleep } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { eventually } from "./eventually.ts";
import { readPage } from "./http.ts";

/** What the demo reads of a pod. */
export interface AppPod extends KubernetesObject {
  status?: {
    podIP?: string;
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { containerID?: string; restartCount: number; ready: boolean }[];
  };
}

const DEPLOYMENT = { resource: deployments, namespace: "default", name: "edge-app" };

/** Waits until exactly `count` pods are ready and none is leaving. */
export function appReady(api: KubernetesApi, clock: Clock, count: number): Promise<AppPod[]> {
  return eventually(clock, `${count} pods of the app are ready`, async () => {
    const list = await api.list<AppPod>({ resource: pods, namespace: "default" }, { labelSelector: "app=edge-app" });
    return list.items.length === count && list.items.every(isReady) ? list.items : undefined;
  });
}

function isReady(pod: AppPod): boolean {
  const ready = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return ready && pod.metadata.deletionTimestamp === undefined;
}

/** Sets the Deployment's replicas. */
export async function scaleApp(api: KubernetesApi, replicas: number): Promise<void> {
  await api.patch(DEPLOYMENT, { type: "merge", body: { spec: { replicas } } });
}

/** The container's id without its runtime's prefix. */
export function containerId(pod: AppPod): string {
  return (pod.status?.containerStatuses?.[0]?.containerID ?? "").replace(/^[\w-]+:\/\//, "");
}

/** Waits until the pod's web server answers. */
export function appAnswers(clock: Clock, address: string): Promise<void> {
  return eventually(clock, `http://${address}:8080 answers`, async () =>
    (await readPage(address, "/")).status === 200 ? true : undefined,
  ).then(() => undefined);
}

/** Asks the app again and again until it is disposed, and counts. */
export class AppMonitor {
  #answers = 0;
  #failures = 0;
  #going = true;
  readonly #done: Promise<void>;

  constructor(clock: Clock, address: string) {
    this.#done = this.#run(clock, address);
  }

  async #run(clock: Clock, address: string): Promise<void> {
    while (this.#going) {
      try {
        if ((await readPage(address, "/")).status === 200) this.#answers += 1;
        else this.#failures += 1;
      } catch {
        this.#failures += 1;
      }
      await sleep(clock, 100);
    }
  }

  /** Ends and tells how often the app answered and did not. */
  async stop(): Promise<{ answers: number; failures: number }> {
    this.#going = false;
    await this.#done;
    return { answers: this.#answers, failures: this.#failures };
  }
}

import { configMaps, type KubernetesObject, pods } from "@skerry/api";
import type { Clock } from "@skerry/base";
import { isApiError, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import type { AppPod } from "./app.ts";
import { eventually } from "./eventually.ts";
import { readPage } from "./http.ts";

const NAME = "demo-settings";
const CONFIG_MAP = { resource: configMaps, namespace: "default", name: NAME };
const POD = { resource: pods, namespace: "default", name: NAME };

/** A pod that shows a ConfigMap on its web server, so that a change can be followed to the edge. */
export class SettingsPod implements AsyncDisposable {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;

  constructor(api: KubernetesApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Creates ConfigMap and pod, and waits until it shows the value. */
  async create(node: string, value: string): Promise<void> {
    await this[Symbol.asyncDispose]();
    const metadata = { name: NAME, namespace: "default" };
    const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { mode: value } };
    await this.#createAnew(CONFIG_MAP, configMap);
    await this.#createAnew(POD, podFor(metadata, node));
    await this.shows(value);
  }

  /** Changes the ConfigMap. */
  async change(value: string): Promise<void> {
    await this.#api.patch(CONFIG_MAP, { type: "merge", body: { data: { mode: value } } });
  }

  /** Waits until the pod at the edge shows the value. */
  async shows(value: string): Promise<void> {
    await eventually(this.#clock, `the pod ${NAME} shows ${value}`, async () => {
      const pod = await this.#api.get<AppPod>(POD);
      const page = await readPage(pod.status?.podIP ?? "", "/mode");
      if (page.body.trim() === value) return true;
      throw new Error(`it shows ${JSON.stringify(page.body.slice(0, 40))}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const target of [POD, CONFIG_MAP])
      await this.#api.delete(target).catch((error: unknown) => {
        if (!isApiError(error, "NotFound")) throw error;
      });
  }

  /** What an earlier demo left may still be on its way out. */
  #createAnew(target: ObjectTarget, object: KubernetesObject): Promise<unknown> {
    return eventually(this.#clock, `${object.kind} ${NAME} can be created`, () => this.#api.create(target, object));
  }
}

function podFor(metadata: KubernetesObject["metadata"], node: string): KubernetesObject {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      nodeSelector: { "kubernetes.io/hostname": node },
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "settings",
          image: "edge-app:latest",
          imagePullPolicy: "IfNotPresent",
          command: ["httpd", "-f", "-p", "8080", "-h", "/settings"],
          volumeMounts: [{ name: "settings", mountPath: "/settings" }],
        },
      ],
      volumes: [{ name: "settings", configMap: { name: NAME } }],
    },
  };
  return pod;
}

import { type ConfigMap, configMaps, type Device, devices, type Pod, pods, type Secret, secrets } from "@skerry/api";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import type { History } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Pod and ConfigMap names that the workload plays with: few, so that the same name comes again under another UID. */
const POD_NAMES = ["web", "worker", "logger", "camera"];
const CONFIG_NAMES = ["settings", "limits"];
const SECRET_NAMES = ["password", "key"];
export const SIMULATED_IMAGE = "registry.example/app:latest";
export const SIMULATED_DEVICE = { namespace: "default", name: "thermometer" };

/** What the workload acts on. */
export interface WorkloadPorts {
  /** The true API: a user's `kubectl` is not what is under test. */
  readonly api: KubernetesApi;
  readonly nodeName: string;
  readonly random: SeededRandom;
  readonly history: History;
  /** A device's client publishes a reported value. */
  readonly reportTwin: (value: string) => void;
  /** A container's process ends by itself. */
  readonly endSomeContainer: () => void;
}

/** Users, devices and programs doing what they do, at random. */
export class Workload {
  readonly #ports: WorkloadPorts;
  #counter = 0;

  constructor(ports: WorkloadPorts) {
    this.#ports = ports;
  }

  /** One random act. A refusal by the API (the object is gone, or there already) is part of life. */
  async step(): Promise<void> {
    const { random, history } = this.#ports;
    const act = random.pick(this.#acts);
    if (!act) return;
    this.#counter++;
    history.add({ kind: "operation", what: act.name });
    try {
      await act.run();
    } catch (error) {
      if (!isApiError(error)) throw error;
    }
  }

  readonly #acts: readonly { readonly name: string; readonly run: () => Promise<void> | void }[] = [
    { name: "create pod", run: () => this.#createPod(this.#podName()) },
    { name: "create pod", run: () => this.#createPod(this.#podName()) },
    { name: "delete pod", run: () => this.#deletePod(this.#podName(), 5) },
    { name: "force-delete pod", run: () => this.#deletePod(this.#podName(), 0) },
    { name: "recreate pod", run: () => this.#recreatePod(this.#podName()) },
    { name: "annotate pod", run: () => this.#annotatePod(this.#podName()) },
    { name: "change config map", run: () => this.#changeConfigMap() },
    { name: "change config map", run: () => this.#changeConfigMap() },
    { name: "delete config map", run: () => this.#deleteConfigMap() },
    { name: "change secret", run: () => this.#changeSecret() },
    { name: "delete secret", run: () => this.#deleteSecret() },
    { name: "report twin", run: () => this.#ports.reportTwin(this.#value()) },
    { name: "report twin", run: () => this.#ports.reportTwin(this.#value()) },
    { name: "change desired value", run: () => this.#changeDesired() },
    { name: "end container", run: () => this.#ports.endSomeContainer() },
  ];

  #value(): string {
    return `value ${this.#counter}`;
  }

  #podName(): string {
    return this.#ports.random.pick(POD_NAMES) ?? "web";
  }

  async #createPod(name: string): Promise<void> {
    const { api, nodeName, random } = this.#ports;
    const configName = random.pick(CONFIG_NAMES) ?? "settings";
    const secretName = random.pick(SECRET_NAMES) ?? "password";
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: {
        nodeName,
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 5,
        containers: [{ name: "app", image: SIMULATED_IMAGE, imagePullPolicy: "IfNotPresent" }],
        volumes: [
          { name: "config", configMap: { name: configName, optional: true } },
          { name: "secret", secret: { secretName, optional: true } },
        ],
      },
    };
    await api.create({ resource: pods, namespace: "default" }, pod);
  }

  async #deletePod(name: string, gracePeriodSeconds: number): Promise<void> {
    await this.#ports.api.delete({ resource: pods, namespace: "default", name }, { gracePeriodSeconds });
  }

  async #recreatePod(name: string): Promise<void> {
    await this.#deletePod(name, 0);
    await this.#createPod(name);
  }

  async #annotatePod(name: string): Promise<void> {
    const body = { metadata: { annotations: { "example.com/change": String(this.#counter) } } };
    await this.#ports.api.patch({ resource: pods, namespace: "default", name }, { type: "merge", body });
  }

  async #changeConfigMap(): Promise<void> {
    const { api, random } = this.#ports;
    const name = random.pick(CONFIG_NAMES) ?? "settings";
    const data = { text: this.#value() };
    const target = { resource: configMaps, namespace: "default", name };
    try {
      await api.patch(target, { type: "merge", body: { data } });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      const configMap: ConfigMap = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace: "default" },
        data,
      };
      await api.create({ resource: configMaps, namespace: "default" }, configMap);
    }
  }

  async #deleteConfigMap(): Promise<void> {
    const name = this.#ports.random.pick(CONFIG_NAMES) ?? "settings";
    await this.#ports.api.delete({ resource: configMaps, namespace: "default", name });
  }

  async #changeSecret(): Promise<void> {
    const { api, random } = this.#ports;
    const name = random.pick(SECRET_NAMES) ?? "password";
    const data = { text: Buffer.from(this.#value()).toString("base64") };
    try {
      await api.patch({ resource: secrets, namespace: "default", name }, { type: "merge", body: { data } });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, data };
      await api.create({ resource: secrets, namespace: "default" }, secret);
    }
  }

  async #deleteSecret(): Promise<void> {
    const name = this.#ports.random.pick(SECRET_NAMES) ?? "password";
    await this.#ports.api.delete({ resource: secrets, namespace: "default", name });
  }

  async #changeDesired(): Promise<void> {
    const { api } = this.#ports;
    const target = { resource: devices, ...SIMULATED_DEVICE };
    const device = await api.get<Device>(target);
    const properties = (device.spec?.properties ?? []).map((property) =>
      property.name === "target" ? { ...property, desired: { value: this.#value() } } : property,
    );
    await api.update(target, { ...device, spec: { ...device.spec, properties } });
  }
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import type { Installation } from "../../support/installation.ts";
import { waitUntil } from "../../support/wait-until.ts";

export const NODE = "edge-node-1";
const TOPIC = "$hw/events/device/default/probe";
/** A long time for a broker that has just been started again. */
const RECONNECT_MS = 200;

interface Part {
  readonly name: string;
  readonly processId?: number;
  readonly restarts: number;
  readonly state: { readonly kind: string };
}

interface DeviceAnswer {
  readonly event_id?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly twin?: Readonly<Record<string, unknown>>;
  readonly delta?: Readonly<Record<string, string>>;
}

/** What must be the same before and after a fault: the app's pods, each with its containers. */
export type RunningContainers = Readonly<Record<string, string>>;

/** A running Skerry with its app and a device of the test's own, and what the tests ask of them. */
export class FaultyNode implements AsyncDisposable {
  readonly skerry: Installation;
  readonly #mqtt: MqttClient;
  readonly #answers: { readonly topic: string; readonly body: DeviceAnswer }[] = [];
  #events = 0;

  private constructor(skerry: Installation, mqtt: MqttClient) {
    this.skerry = skerry;
    this.#mqtt = mqtt;
    mqtt.on("message", (topic, payload) => this.#answers.push({ topic, body: JSON.parse(String(payload)) }));
  }

  /** Starts Skerry in the installation, with the example app twice and the device `probe`. */
  static async start(skerry: Installation): Promise<FaultyNode> {
    await skerry.up();
    const mqtt = await connectAsync(`mqtt://127.0.0.1:${skerry.ports.mqtt}`, {
      clientId: "faults-test",
      clean: false,
      reconnectPeriod: RECONNECT_MS,
    });
    const node = new FaultyNode(skerry, mqtt);
    await mqtt.subscribeAsync(
      ["get/result", "update/result", "update/delta"].map((end) => `${TOPIC}/twin/${end}`),
      {
        qos: 1,
      },
    );
    await skerry.kubectlOk("scale", "deployment/edge-app", "--replicas=2");
    await skerry.kubectlOk("rollout", "status", "deployment/edge-app", "--timeout=120s");
    const applied = await skerry.kubectlWith(PROBE, "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await waitUntil("the edge knows the device", async () => (await node.ask("get", {})).twin !== undefined);
    return node;
  }

  /** Stops the client; the installation is its owner's to stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mqtt.endAsync(true);
  }

  async parts(): Promise<readonly Part[]> {
    return JSON.parse((await this.skerry.skerry("status", "-o", "json")).stdout).parts;
  }

  /** The process of a part. */
  async processOf(name: string): Promise<number> {
    const part = (await this.parts()).find((candidate) => candidate.name.startsWith(name));
    assert.ok(part?.processId, `${name} runs`);
    return part.processId;
  }

  /** Kills the parts at once, without a chance to say goodbye, and waits until others run in their place. */
  async kill(...names: readonly string[]): Promise<void> {
    const killed = await Promise.all(names.map((name) => this.processOf(name)));
    for (const processId of killed) process.kill(processId, "SIGKILL");
    await waitUntil(`${names.join(", ")} run again`, async () => {
      const parts = await this.parts();
      return parts.every(
        ({ state, processId }) => state.kind === "running" && processId !== undefined && !killed.includes(processId),
      );
    });
  }

  /** Waits until both sides agree: the node is Ready and a value goes through from MQTT to the Device. */
  async settled(): Promise<void> {
    await waitUntil("the API answers", async () => (await this.skerry.kubectl("get", "nodes")).status === 0);
    await this.skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
    await this.reported(await this.report());
    await waitUntil("both pods are ready", async () => {
      const { items } = await this.skerry.get("pods", "-l", "app=edge-app");
      return items.length === 2 && items.every((pod: ReadyPod) => pod.status.containerStatuses?.[0]?.ready === true);
    });
  }

  /** The app's pods and their containers, as the API tells. */
  async containers(): Promise<RunningContainers> {
    const { items } = await this.skerry.get("pods", "-l", "app=edge-app");
    return Object.fromEntries(
      items.map((pod: ReadyPod) => [pod.metadata.uid, pod.status.containerStatuses?.[0]?.containerID ?? ""]),
    );
  }

  /** Fails when the app does not answer. */
  async assertAppAnswers(): Promise<void> {
    const { items } = await this.skerry.get("pods", "-l", "app=edge-app");
    for (const pod of items)
      assert.equal((await fetch(`http://${pod.status.podIP}:8080/`)).status, 200, pod.metadata.name);
  }

  /** Sends a request of the device and waits for its answer, however long the node is away. */
  async ask(action: "get" | "update", body: object): Promise<DeviceAnswer> {
    const event_id = `event-${++this.#events}`;
    await this.#mqtt.publishAsync(`${TOPIC}/twin/${action}`, JSON.stringify({ event_id, ...body }), { qos: 1 });
    return waitUntil(`an answer to ${action}`, async () => {
      const found = this.#answers.find(
        ({ topic, body: answer }) => topic.endsWith("/result") && answer.event_id === event_id,
      );
      return found?.body;
    });
  }

  /** Reports a new value; the answer tells whether the edge has accepted it. */
  async tryReport(): Promise<{ readonly value: string; readonly answer: DeviceAnswer }> {
    const value = String(++this.#events);
    return { value, answer: await this.ask("update", { twin: { level: { actual: { value } } } }) };
  }

  /** Reports a new value and returns it when the edge has accepted it, so that from now on it must not be lost. */
  report(): Promise<string> {
    return waitUntil("a value is accepted", async () => {
      const { value, answer } = await this.tryReport();
      return answer.code === undefined && value;
    });
  }

  /** Publishes a value without waiting for the edge; the broker keeps it. */
  async publish(): Promise<string> {
    const value = String(++this.#events);
    const body = { event_id: `event-${value}`, twin: { level: { actual: { value } } } };
    await this.#mqtt.publishAsync(`${TOPIC}/twin/update`, JSON.stringify(body), { qos: 1 });
    return value;
  }

  /** Waits until the Device in the cloud shows the value. */
  async reported(value: string): Promise<void> {
    await waitUntil(`the value ${value} is in the Device`, async () => {
      const device = await this.skerry.get("device", "probe");
      return device.status?.twins?.[0]?.reported?.value === value;
    });
  }

  /** Sets the desired value in the cloud. */
  async desire(value: string): Promise<void> {
    const patch = [{ op: "add", path: "/spec/properties/0/desired", value: { value } }];
    await this.skerry.kubectlOk("patch", "device", "probe", "--type=json", "-p", JSON.stringify(patch));
  }

  /** Waits until the desired value was on MQTT as a delta. */
  async delta(value: string): Promise<void> {
    await waitUntil(`the desired value ${value} is on MQTT`, async () =>
      this.#answers.some(({ topic, body }) => topic.endsWith("/delta") && body.delta?.["level"] === value),
    );
  }

  /** What EdgeCore has written to its log. */
  edgeLog(): string {
    return readFileSync(join(this.skerry.home, "logs", `edgecore-${NODE}.log`), "utf8");
  }
}

interface ReadyPod {
  readonly metadata: { readonly uid: string };
  readonly status: {
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly containerID: string }[];
  };
}

const metadata = { name: "probe", namespace: "default" };
const PROBE = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "DeviceModel",
      metadata,
      spec: { protocol: "mqtt", properties: [{ name: "level", type: "INT", accessMode: "ReadWrite" }] },
    },
    {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "Device",
      metadata,
      spec: {
        deviceModelRef: { name: "probe" },
        nodeName: NODE,
        protocol: { protocolName: "mqtt" },
        properties: [{ name: "level", reportToCloud: true }],
      },
    },
  ],
});

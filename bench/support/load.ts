import { setTimeout as delay } from "node:timers/promises";
import mqtt from "mqtt";
import { type ShippedSkerry, waitUntil } from "./shipped-skerry.ts";

/** The node that `skerry up` starts. */
export const NODE = "edge-node-1";

/** A pod of the example app for the edge node, as a manifest's JSON. */
export function podManifest(name: string, labels: Readonly<Record<string, string>>): string {
  const spec = {
    nodeSelector: { "kubernetes.io/hostname": NODE },
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "app", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" }],
  };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec });
}

/** Applies `count` pods with the label `bench=<group>`. */
export async function createPods(skerry: ShippedSkerry, group: string, count: number): Promise<void> {
  const pods = Array.from({ length: count }, (_, index) => podManifest(`${group}-${index}`, { bench: group }));
  await skerry.kubectl(["apply", "-f", "-"], `{"apiVersion":"v1","kind":"List","items":[${pods.join(",")}]}`);
}

/** Waits until so many pods of a group are ready. */
export async function podsRunning(
  skerry: ShippedSkerry,
  group: string,
  count: number,
  limitMs?: number,
): Promise<void> {
  await waitUntil(
    `${count} pods run`,
    async () => {
      const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
      const printed = await skerry.kubectl(["get", "pods", "-l", `bench=${group}`, "-o", `jsonpath=${path}`]);
      return printed.split("\n").filter((line) => line === "True").length === count || undefined;
    },
    500,
    limitMs,
  );
}

/** Deletes the pods of a group and waits until they are gone. */
export async function deletePods(skerry: ShippedSkerry, group: string): Promise<void> {
  await skerry.kubectl(["delete", "pods", "-l", `bench=${group}`, "--wait=true", "--timeout=120s"]);
  await delay(1_000);
}

/** Applies `count` devices of the example's model, `bench-0` and on. */
export async function createDevices(skerry: ShippedSkerry, count: number): Promise<void> {
  const devices = Array.from({ length: count }, (_, index) => ({
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name: `bench-${index}`, namespace: "default" },
    spec: {
      deviceModelRef: { name: "thermometer" },
      nodeName: NODE,
      protocol: { protocolName: "mqtt" },
      properties: [
        { name: "temperature", reportToCloud: true },
        { name: "target", desired: { value: "21" }, reportToCloud: true },
      ],
    },
  }));
  await skerry.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: devices }));
  await delay(5_000);
}

/** A client of the node's broker. */
export function mqttClient(skerry: ShippedSkerry): Promise<mqtt.MqttClient> {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${skerry.mqttPort}`);
}

/** The topic and payload that report a temperature of `bench-<index>`. */
export function temperature(index: number, value: string): { readonly topic: string; readonly payload: string } {
  return {
    topic: `$hw/events/device/default/bench-${index}/twin/update`,
    payload: JSON.stringify({ event_id: "", timestamp: 0, twin: { temperature: { actual: { value } } } }),
  };
}

/** Reports one temperature of each device. */
export async function publishAll(skerry: ShippedSkerry, count: number): Promise<void> {
  const client = await mqttClient(skerry);
  for (let index = 0; index < count; index += 1) {
    const { topic, payload } = temperature(index, "20.5");
    await client.publishAsync(topic, payload, { qos: 1 });
  }
  await client.endAsync();
}

// From an MQTT message of a device to its value in DeviceStatus, as a watch tells it.
import { deviceStatuses, type KubernetesObject } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { createDevices, mqttClient, temperature } from "./support/load.ts";
import { milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median, percentile } from "./support/statistics.ts";

const UPDATES = 200;
/** Each in its turn, because CloudCore writes one device at most four times a second. */
const DEVICES = 20;

interface DeviceStatus extends KubernetesObject {
  status?: { twins?: { propertyName: string; reported?: { value?: string } }[] };
}

/** Measures and returns a table. */
export async function measureDevices(skerry: ShippedSkerry): Promise<string> {
  await createDevices(skerry, DEVICES);
  using api = await skerry.api();
  const stop = new AbortController();
  const waiting = new Map<string, () => void>();
  const list = await api.list({ resource: deviceStatuses });
  const watching = watch(api, list.metadata.resourceVersion ?? "", waiting, stop.signal);
  const client = await mqttClient(skerry);
  const statusMs: number[] = [];
  const brokerMs: number[] = [];
  for (let update = 0; update < UPDATES; update += 1) {
    const value = String(10 + update / 100);
    const { topic, payload } = temperature(update % DEVICES, value);
    const arrived = new Promise<void>((resolve) => waiting.set(`bench-${update % DEVICES}=${value}`, resolve));
    const beganMs = performance.now();
    await Promise.race([client.publishAsync(topic, payload, { qos: 1 }), watching]);
    brokerMs.push(performance.now() - beganMs);
    await Promise.race([arrived, watching]);
    statusMs.push(performance.now() - beganMs);
  }
  stop.abort();
  await client.endAsync();
  await watching.catch(() => undefined);
  const of = (samples: readonly number[]): string =>
    `${milliseconds(median(samples))} / ${milliseconds(percentile(samples, 0.99))}`;
  return table(`MQTT → status: median / 99th percentile of ${UPDATES}`, [
    { what: "MQTT publish until the broker's acknowledgement, for comparison", value: of(brokerMs) },
    { what: "MQTT publish → DeviceStatus in a watch", value: of(statusMs) },
  ]);
}

/** Calls who waits for a reported value. Rejects when the watch ends early. */
async function watch(
  api: KubernetesApi,
  resourceVersion: string,
  waiting: Map<string, () => void>,
  signal: AbortSignal,
): Promise<void> {
  const target = { resource: deviceStatuses, namespace: "default" };
  for await (const event of api.watch<DeviceStatus>(target, { resourceVersion, signal })) {
    if (event.type === "BOOKMARK") continue;
    const reported = event.object.status?.twins?.find(({ propertyName }) => propertyName === "temperature")?.reported;
    const key = `${event.object.metadata.name}=${Number(reported?.value)}`;
    waiting.get(key)?.();
    waiting.delete(key);
  }
  throw new Error("the watch of DeviceStatus ended");
}

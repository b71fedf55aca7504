import { type Device, type DeviceModel, deviceModels, devices, type KubernetesObject } from "@skerry/api";
import { type Clock, isJsonObject, type JsonValue, type Logger } from "@skerry/base";
import { MemoryBroker } from "@skerry/edgecore/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { DeliveryName } from "@skerry/link";
import { checkBothSidesEqual } from "../checkers/both-sides-equal.ts";
import { checkDeletedNeverRunsAgain } from "../checkers/deleted-never-runs-again.ts";
import { checkRestartNeedsNoNetwork } from "../checkers/restart-needs-no-network.ts";
import { checkVersionNeverGoesBack } from "../checkers/version-never-goes-back.ts";
import type { Violation } from "../checkers/violation.ts";
import type { Mutant } from "../mutants.ts";
import { FaultCounters } from "./fault-counters.ts";
import { FaultSchedule } from "./fault-schedule.ts";
import { History } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";
import { type DiskFaults, SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedEdge } from "./simulated-edge.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { SIMULATED_DEVICE, Workload } from "./workload.ts";

const NODE_NAME = "edge-node-1";
const QUIET_START_MS = 5_000;
const FAULTY_STEPS = 60;
/** Within this time after the faults stop both sides must agree. */
export const CONVERGENCE_LIMIT_MS = 30_000;

/** Which delivery the edge speaks; `mixed`: every other seed KubeEdge's. */
export type SimulatedProtocol = DeliveryName | "mixed";

/** What a run of one seed came to. */
export interface RunResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counters: FaultCounters;
  readonly history: History;
  /** Virtual time from the last fault to agreement; undefined when they never agreed. */
  readonly convergedAfterMs: number | undefined;
  readonly stepCount: number;
}

/** Runs one cloud and one edge of production code through a life of work and faults; the seed decides everything. */
export async function runWorld(
  seed: number,
  loggerOn: Logger | ((clock: Clock) => Logger),
  mutant?: Mutant,
  protocol: SimulatedProtocol = "mixed",
): Promise<RunResult> {
  const random = new SeededRandom(seed);
  const clock = new VirtualClock();
  const logger = typeof loggerOn === "function" ? loggerOn(clock) : loggerOn;
  const history = new History(() => clock.monotonicMs());
  const counters = new FaultCounters();
  const api = new MemoryKubernetesApi({ now: () => clock.now() });
  const network = new SimulatedNetwork(clock, random.fork());
  const broker = new MemoryBroker(clock, 2);

  const diskFaults: { current: DiskFaults | undefined } = { current: undefined };
  const disk = new SimulatedDisk(clock, random.fork(), {
    draw: () => diskFaults.current?.draw(),
    powerLoss: () => diskFaults.current?.powerLoss(),
  });
  const cloud = new SimulatedCloud({
    api,
    listen: mutant?.mutateListen?.(network.listen) ?? network.listen,
    clock,
    random: random.fork(),
    counters,
    logger,
  });
  const edge = new SimulatedEdge({
    nodeName: NODE_NAME,
    delivery: deliveryFor(seed, protocol),
    network,
    disk,
    mqtt: broker.connector(NODE_NAME),
    clock,
    random: random.fork(),
    logger,
    history,
    beforeStart: mutant?.beforeStart ?? (async () => {}),
    mutateDatabase: mutant?.mutateDatabase ?? ((database) => database),
    mutateDialer: mutant?.mutateDialer ?? ((dialer) => dialer),
  });
  const faults = new FaultSchedule(
    {
      clock,
      network,
      cloud,
      edge,
      disk,
      compactHistory: () => api.compact(),
      closeWatches: () => api.closeWatches(),
      history,
      counters,
    },
    random.fork(),
  );
  diskFaults.current = faults.diskFaults(() => {
    edge.losePower();
    faults.restartEdgeLater();
  });
  const client = new TwinClient(broker, history);
  const workload = new Workload({
    api,
    nodeName: NODE_NAME,
    random: random.fork(),
    history,
    reportTwin: (value) => client.report(value),
    endSomeContainer: () => edge.endSomeContainer(),
  });

  await createDevice(api);
  cloud.start();
  edge.start();
  await clock.advance(QUIET_START_MS);
  for (let step = 0; step < FAULTY_STEPS; step++) {
    await workload.step();
    if (random.chance(0.25)) faults.step();
    await clock.advance(random.between(50, 3000));
  }
  faults.stop();
  const stoppedMs = clock.monotonicMs();
  const differences = (): Promise<Violation[]> =>
    checkBothSidesEqual({
      api,
      nodeName: NODE_NAME,
      stored: edge.storedObjects(),
      running: edge.runtime.running(),
      events: history.events,
    });
  let remaining = await differences();
  while (remaining.length > 0 && clock.monotonicMs() - stoppedMs < CONVERGENCE_LIMIT_MS) {
    await clock.advance(500);
    remaining = await differences();
  }
  const convergedAfterMs = remaining.length === 0 ? clock.monotonicMs() - stoppedMs : undefined;
  // Agreement must last: nothing may undo it afterwards.
  await clock.advance(20_000);
  const later = remaining.length === 0 ? await differences() : remaining;
  edge.kill("the world ends");
  cloud.kill();
  disk.destroy();
  return {
    seed,
    violations: [
      ...later,
      ...checkVersionNeverGoesBack(history.events),
      ...checkDeletedNeverRunsAgain(history.events),
      ...checkRestartNeedsNoNetwork(history.events),
    ],
    counters,
    history,
    convergedAfterMs,
    stepCount: clock.stepCount,
  };
}

function deliveryFor(seed: number, protocol: SimulatedProtocol): DeliveryName {
  if (protocol !== "mixed") return protocol;
  return seed % 2 === 0 ? "kubeedge" : "skerry";
}

async function createDevice(api: MemoryKubernetesApi): Promise<void> {
  const { namespace, name } = SIMULATED_DEVICE;
  const model: DeviceModel = {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "DeviceModel",
    metadata: { name: "thermometer", namespace },
    spec: {
      properties: [
        { name: "temperature", type: "STRING", accessMode: "ReadOnly" },
        { name: "target", type: "STRING", accessMode: "ReadWrite" },
      ],
    },
  };
  const device: Device = {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name, namespace },
    spec: {
      deviceModelRef: { name: "thermometer" },
      nodeName: NODE_NAME,
      properties: [
        { name: "temperature", reportToCloud: true },
        { name: "target", desired: { value: "first" } },
      ],
    },
  };
  await api.create<KubernetesObject>({ resource: deviceModels, namespace }, model);
  await api.create<KubernetesObject>({ resource: devices, namespace }, device);
}

/** A device's client on MQTT: reports values and notes which of them were accepted. */
class TwinClient {
  readonly #broker: MemoryBroker;
  readonly #history: History;
  readonly #topic = `$hw/events/device/${SIMULATED_DEVICE.namespace}/${SIMULATED_DEVICE.name}/twin/update`;
  readonly #waiting = new Map<string, string>();

  constructor(broker: MemoryBroker, history: History) {
    this.#broker = broker;
    this.#history = history;
    broker.onPublish(({ topic, payload }) => {
      if (topic === `${this.#topic}/delta`) this.#told(payload);
      if (topic !== `${this.#topic}/result`) return;
      const result = JSON.parse(payload) as JsonValue;
      if (!isJsonObject(result)) return;
      const value = this.#waiting.get(String(result["event_id"]));
      const accepted = result["code"] === undefined || result["code"] === 200 || result["code"] === 0;
      if (value !== undefined && accepted)
        history.add({ kind: "twin-accepted", device: SIMULATED_DEVICE.name, property: "temperature", value });
    });
  }

  #told(payload: string): void {
    const document = JSON.parse(payload) as JsonValue;
    const delta = isJsonObject(document) ? document["delta"] : undefined;
    const value = isJsonObject(delta) ? delta["target"] : undefined;
    if (typeof value === "string") this.#history.add({ kind: "desired-told", value });
  }

  report(value: string): void {
    this.#waiting.set(value, value);
    this.#history.add({ kind: "twin-reported", value });
    const payload = { event_id: value, timestamp: 0, twin: { temperature: { actual: { value } } } };
    this.#broker.publish(this.#topic, JSON.stringify(payload));
  }
}

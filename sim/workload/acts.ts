import {
  type ConfigMap,
  configMaps,
  type Device,
  type DeviceModel,
  deviceModels,
  devices,
  type KubernetesObject,
  type Pod,
  pods,
  type Secret,
  secrets,
} from "@skerry/api";

import { isSkerryError } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import type { NodeHistory } from "../world/history.ts";
import type { SeededRandom } from "../world/seeded-random.ts";
import {
  configMapNames,
  DEVICE_KINDS,
  FIRST_DESIRED,
  NAMESPACE,
  podNames,
  SIMULATED_IMAGE,
  secretNames,
} from "./names.ts";

/** What an act of the workload works on. */
export interface ActContext {
  /** The true API: a user's `kubectl` is not what is under test. */
  readonly api: KubernetesApi;
  readonly node: string;
  readonly random: SeededRandom;
  readonly history: NodeHistory;
  /** Not used before in this world. */
  readonly value: string;
  /** A device's client publishes a reported value. */
  readonly reportTwin: (value: string) => void;
  /** A driver reports a value of its device. */
  readonly reportByDriver: (value: string) => void;
  /** A container's process ends by itself. */
  readonly endSomeContainer: (random: SeededRandom) => void;
}

/** Something that a user, a device or a program does. */
export interface Act {
  readonly name: string;
  readonly weight: number;
  readonly run: (context: ActContext) => Promise<void> | void;
}

/** Everything that the workload may do. */
export const ACTS: readonly Act[] = [
  { name: "create pod", weight: 2, run: (context) => createPod(context, somePod(context)) },
  { name: "delete pod", weight: 1, run: (context) => deletePod(context, somePod(context), 5) },
  { name: "force-delete pod", weight: 1, run: (context) => deletePod(context, somePod(context), 0) },
  { name: "recreate pod", weight: 1.5, run: recreatePod },
  { name: "annotate pod", weight: 1, run: annotatePod },
  { name: "change config map", weight: 2, run: changeConfigMap },
  { name: "delete config map", weight: 1, run: deleteConfigMap },
  { name: "change secret", weight: 1, run: changeSecret },
  { name: "delete secret", weight: 0.7, run: deleteSecret },
  { name: "report twin", weight: 2, run: ({ reportTwin, value }) => reportTwin(value) },
  { name: "report twin twice", weight: 0.7, run: reportTwice },
  { name: "driver reports", weight: 1.5, run: ({ reportByDriver, value }) => reportByDriver(value) },
  { name: "burst of values", weight: 0.7, run: burst },
  { name: "change desired value", weight: 1.2, run: changeDesired },
  { name: "end container", weight: 1, run: ({ endSomeContainer, random }) => endSomeContainer(random) },
];

/** Does it. A refusal by the API (the object is gone, or there already) is part of life, and so is none. */
export async function perform(name: string, context: ActContext): Promise<void> {
  const act = ACTS.find((each) => each.name === name);
  if (!act) throw new Error(`The workload has no act "${name}"`);
  try {
    await act.run(context);
  } catch (error) {
    if (!isApiError(error) && !isSkerryError(error, "KUBE_UNREACHABLE")) throw error;
  }
}

/** What is there from the start: the device model, and each node's device. */
export async function createDevices(api: KubernetesApi, nodes: readonly string[]): Promise<void> {
  for (const { model: name, reported, desired, protocol } of DEVICE_KINDS) {
    const model: DeviceModel = {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "DeviceModel",
      metadata: { name, namespace: NAMESPACE },
      spec: {
        properties: [
          { name: reported, type: "STRING", accessMode: "ReadOnly" },
          { name: desired, type: "STRING", accessMode: "ReadWrite" },
        ],
        ...(protocol === "" ? {} : { protocol }),
      },
    };
    await api.create<KubernetesObject>({ resource: deviceModels, namespace: NAMESPACE }, model);
  }
  for (const node of nodes)
    for (const kind of DEVICE_KINDS) {
      const device: Device = {
        apiVersion: "devices.kubeedge.io/v1beta1",
        kind: "Device",
        metadata: { name: kind.deviceOf(node), namespace: NAMESPACE },
        spec: {
          deviceModelRef: { name: kind.model },
          nodeName: node,
          properties: [
            { name: kind.reported, reportToCloud: true },
            { name: kind.desired, desired: { value: FIRST_DESIRED } },
          ],
        },
      };
      await api.create<KubernetesObject>({ resource: devices, namespace: NAMESPACE }, device);
    }
}

function somePod({ random, node }: ActContext): string {
  return random.pick(podNames(node)) ?? "";
}

async function createPod({ api, node, random }: ActContext, name: string): Promise<void> {
  const configName = random.pick(configMapNames(node)) ?? "";
  const secretName = random.pick(secretNames(node)) ?? "";
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName: node,
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 5,
      containers: [{ name: "app", image: SIMULATED_IMAGE, imagePullPolicy: "IfNotPresent" }],
      volumes: [
        { name: "config", configMap: { name: configName, optional: true } },
        { name: "secret", secret: { secretName, optional: true } },
      ],
    },
  };
  await api.create({ resource: pods, namespace: NAMESPACE }, pod);
}

async function deletePod({ api }: ActContext, name: string, gracePeriodSeconds: number): Promise<void> {
  await api.delete({ resource: pods, namespace: NAMESPACE, name }, { gracePeriodSeconds });
}

async function recreatePod(context: ActContext): Promise<void> {
  const name = somePod(context);
  await deletePod(context, name, 0);
  await createPod(context, name);
}

async function annotatePod(context: ActContext): Promise<void> {
  const { api, value } = context;
  const body = { metadata: { annotations: { "example.com/change": value } } };
  await api.patch({ resource: pods, namespace: NAMESPACE, name: somePod(context) }, { type: "merge", body });
}

async function changeConfigMap({ api, random, node, value }: ActContext): Promise<void> {
  const name = random.pick(configMapNames(node)) ?? "";
  const data = { text: value };
  try {
    await api.patch({ resource: configMaps, namespace: NAMESPACE, name }, { type: "merge", body: { data } });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
    const metadata = { name, namespace: NAMESPACE };
    const configMap: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data };
    await api.create({ resource: configMaps, namespace: NAMESPACE }, configMap);
  }
}

async function deleteConfigMap({ api, random, node }: ActContext): Promise<void> {
  await api.delete({ resource: configMaps, namespace: NAMESPACE, name: random.pick(configMapNames(node)) ?? "" });
}

async function changeSecret({ api, random, node, value }: ActContext): Promise<void> {
  const name = random.pick(secretNames(node)) ?? "";
  const data = { text: Buffer.from(value).toString("base64") };
  try {
    await api.patch({ resource: secrets, namespace: NAMESPACE, name }, { type: "merge", body: { data } });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
    const metadata = { name, namespace: NAMESPACE };
    const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata, data };
    await api.create({ resource: secrets, namespace: NAMESPACE }, secret);
  }
}

async function deleteSecret({ api, random, node }: ActContext): Promise<void> {
  await api.delete({ resource: secrets, namespace: NAMESPACE, name: random.pick(secretNames(node)) ?? "" });
}

/** Two values at once: the second must win, everywhere. */
function reportTwice({ reportTwin, value }: ActContext): void {
  reportTwin(`${value} first`);
  reportTwin(`${value} second`);
}

/** More than one message or commit takes, of both devices. */
function burst({ reportTwin, reportByDriver, value, random }: ActContext): void {
  for (let count = random.between(5, 25); count > 0; count--)
    (random.chance(0.5) ? reportTwin : reportByDriver)(`${value}, ${count} to go`);
}

async function changeDesired({ api, node, value, random, history }: ActContext): Promise<void> {
  const kind = random.pick(DEVICE_KINDS);
  if (!kind) return;
  const target = { resource: devices, namespace: NAMESPACE, name: kind.deviceOf(node) };
  const device = await api.get<Device>(target);
  const properties = (device.spec?.properties ?? []).map((property) =>
    property.name === kind.desired ? { ...property, desired: { value } } : property,
  );
  try {
    await api.update(target, { ...device, spec: { ...device.spec, properties } });
  } catch (error) {
    if (isApiError(error)) throw error;
    // Nobody knows: an answer that is lost does not say whether it was stored.
  }
  history.add({ kind: "desired-set", device: target.name, value });
}

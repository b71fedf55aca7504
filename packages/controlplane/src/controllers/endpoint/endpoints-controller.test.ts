import assert from "node:assert/strict";
import { test } from "node:test";
import {
  endpointSlices,
  endpoints,
  type KubernetesObject,
  type Pod,
  pods,
  type ResourceReference,
  type Service,
  services,
} from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { EndpointsController } from "./endpoints-controller.ts";

const inDefault = (resource: ResourceReference): { resource: ResourceReference; namespace: string } => ({
  resource,
  namespace: "default",
});
const podName = (index: number): string => `web-${String(index).padStart(4, "0")}`;

async function addPod(world: ControllerWorld, index: number, isReady = true): Promise<void> {
  await world.api.create<Pod>(inDefault(pods), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName(index), labels: { app: "web" } },
    spec: { containers: [{ name: "c" }] },
    status: {
      phase: "Running",
      podIP: `10.0.${index >> 8}.${index & 255}`,
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
    },
  });
}

/** The names of the service's slices, each with how many endpoints it has. */
async function slicesOf(world: ControllerWorld): Promise<Record<string, number>> {
  const { items } = await world.api.list<KubernetesObject & { endpoints: object[] }>(inDefault(endpointSlices), {
    labelSelector: "kubernetes.io/service-name=web",
  });
  return Object.fromEntries(items.map((slice) => [slice.metadata.name, slice.endpoints.length]));
}

const WEB: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};

test("a further slice that was made though the answer got lost goes when the service shrinks before the next try", async () => {
  await using world = await controllerWorld((ports, informers) => [new EndpointsController(ports, informers)]);
  for (let index = 0; index < 1000; index++) await addPod(world, index);
  await world.api.create(inDefault(services), WEB);
  await world.clock.settle();
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 1000 });
  let lostAnswers = 0;
  world.api.afterCreate = ({ metadata }) => {
    if (metadata.name !== "web-endpoints-2") return;
    lostAnswers++;
    throw new Error("the connection was lost");
  };
  await addPod(world, 1000);
  await world.clock.settle();
  assert.deepEqual([lostAnswers, await slicesOf(world)], [1, { "web-endpoints": 1000, "web-endpoints-2": 1 }]);
  await world.api.delete({ ...inDefault(pods), name: podName(0) }, { gracePeriodSeconds: 0 });
  await world.clock.advance(60_000);
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 1000 });
});

test("a service of more than 1,000 endpoints has them in several slices, and its Endpoints lists the ready ones first", async () => {
  await using world = await controllerWorld((ports, informers) => [new EndpointsController(ports, informers)]);
  // Another's, of the name that a second slice would have.
  const foreign = { ...inDefault(endpointSlices), name: "web-endpoints-3" };
  await world.api.create<KubernetesObject>(foreign, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-endpoints-3" },
  });
  await addPod(world, 0, false);
  for (let index = 1; index <= 1000; index++) await addPod(world, index);
  await world.api.create(inDefault(services), WEB);
  await world.clock.settle();
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 1000, "web-endpoints-2": 1 });
  const own = { ...inDefault(endpoints), name: "web" };
  const truncated = await world.api.get<KubernetesObject & { subsets: Record<string, object[]>[] }>(own);
  assert.equal(truncated.metadata.annotations?.["endpoints.kubernetes.io/over-capacity"], "truncated");
  const [subset] = truncated.subsets;
  assert.deepEqual([subset?.["addresses"]?.length, subset?.["notReadyAddresses"]?.length], [1000, undefined]);

  await world.api.delete({ ...inDefault(pods), name: podName(0) }, { gracePeriodSeconds: 0 });
  await world.clock.settle();
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 1000 });
  assert.equal((await world.api.get(own)).metadata.annotations, undefined);
  assert.equal((await world.api.get(foreign)).metadata.name, "web-endpoints-3");
});

test("a service of both families has slices of both, and loses the second's with the family", async () => {
  await using world = await controllerWorld((ports, informers) => [new EndpointsController(ports, informers)]);
  await addPod(world, 1);
  await world.api.create<Pod>(inDefault(pods), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "both", labels: { app: "web" } },
    spec: { containers: [{ name: "c" }] },
    status: { phase: "Running", podIP: "10.0.9.9", podIPs: [{ ip: "10.0.9.9" }, { ip: "fd00:7::9" }] },
  });
  const both: Service = { ...WEB, spec: { ...WEB.spec, ipFamilies: ["IPv4", "IPv6"] } };
  await world.api.create(inDefault(services), both);
  await world.clock.settle();
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 2, "web-endpoints-ipv6": 1 });
  const slice = await world.api.get<KubernetesObject & { addressType: string; endpoints: { addresses: string[] }[] }>({
    ...inDefault(endpointSlices),
    name: "web-endpoints-ipv6",
  });
  assert.deepEqual([slice.addressType, slice.endpoints[0]?.addresses], ["IPv6", ["fd00:7::9"]]);
  const stored = await world.api.get<Service>({ ...inDefault(services), name: "web" });
  await world.api.update(
    { ...inDefault(services), name: "web" },
    { ...stored, spec: { ...stored.spec, ipFamilies: ["IPv4"] } },
  );
  await world.clock.settle();
  assert.deepEqual(await slicesOf(world), { "web-endpoints": 2 });
});

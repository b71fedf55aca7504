import assert from "node:assert/strict";
import { test } from "node:test";
import { pods, services } from "@skerry/api";
import { EdgeStore } from "../synccontroller/testing/edge-store.ts";
import { CloudWorld } from "../testing/cloud-world.ts";

const NODE = "edge-1";

async function connect(world: CloudWorld): Promise<EdgeStore> {
  const edge = new EdgeStore();
  world.hub.delivery = "skerry";
  world.hub.onDeliver = (_nodeName, message) => {
    for (const report of edge.apply(message)) queueMicrotask(() => world.hub.reportSet(NODE, report));
  };
  await world.connect(NODE);
  return edge;
}

function sent(world: CloudWorld): string[] {
  return world.hub
    .take()
    .filter((line) => line.startsWith("edgecontroller"))
    .map((line) => line.replace(/ \d+$/, ""));
}

test("a node gets the Services of its pods' namespaces and the API server's, before the first pod there", async () => {
  await using world = await new CloudWorld().start();
  await world.createService("kubernetes", "default");
  await world.createService("web");
  await world.createService("far", "elsewhere");
  await connect(world);
  assert.deepEqual(sent(world), []);
  await world.createPod("app", { nodeName: NODE });
  assert.deepEqual(sent(world), [
    "edgecontroller insert plant/service/web",
    "edgecontroller insert default/service/kubernetes",
    "edgecontroller update plant/pod/app",
  ]);
  await world.createPod("second", { nodeName: NODE });
  await world.createService("late");
  assert.deepEqual(sent(world), ["edgecontroller update plant/pod/second", "edgecontroller insert plant/service/late"]);
});

test("a changed Service goes down, its status does not, and the last pod of the namespace takes the Services along", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("app", { nodeName: NODE });
  await world.createService("web");
  await connect(world);
  sent(world);
  await world.patch(services, "web", { status: { loadBalancer: { ingress: [] } } }, "status");
  assert.deepEqual(sent(world), []);
  await world.patch(services, "web", { spec: { selector: { app: "web" } } });
  assert.deepEqual(sent(world), ["edgecontroller update plant/service/web"]);
  await world.delete(pods, "app", 0);
  await world.clock.advance(10_000);
  assert.deepEqual(sent(world).sort(), [
    "edgecontroller delete plant/pod/app",
    "edgecontroller delete plant/service/web",
  ]);
});

test("a deleted Service leaves the node", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("app", { nodeName: NODE });
  await world.createService("web");
  const edge = await connect(world);
  assert.equal(edge.objects.size, 2);
  await world.delete(services, "web");
  assert.equal(edge.objects.size, 1);
});

test("KubeEdge's edge gets no Services: it has no use for them", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("app", { nodeName: NODE });
  await world.createService("web");
  await world.connect(NODE);
  await world.patch(services, "web", { spec: { selector: { app: "web" } } });
  await world.clock.advance(10_000);
  assert.deepEqual(sent(world), ["edgecontroller update plant/pod/app"]);
});

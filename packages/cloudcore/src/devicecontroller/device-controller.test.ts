import assert from "node:assert/strict";
import { test } from "node:test";
import { type Device, type DeviceStatus, deviceModels, deviceStatuses, devices } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { ApiError, apiUnreachable, failureStatus, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import { errorStatusOf, objectOf } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

const temperature = { deviceModelRef: { name: "thermometer" }, properties: [{ name: "temperature" }] };
const reportPath = "device/plant/thermo/twin/edge_updated";

function twinReport(value: string, timestamp = 1700000000000): JsonValue {
  const twin = { temperature: { actual: { value, metadata: { timestamp } }, metadata: { type: "float" } } };
  return { event_id: "e", timestamp, twin };
}

async function worldWithDevice(wrap?: (api: KubernetesApi) => KubernetesApi): Promise<CloudWorld> {
  const world = await new CloudWorld(wrap).start();
  await world.connect("edge-1");
  await world.createModel("thermometer", "temperature", "target");
  await world.createDevice("thermo", { nodeName: "edge-1", ...temperature });
  return world;
}

test("a device that is bound to a node comes with its membership and model, and leaves with them", async () => {
  await using world = await worldWithDevice();
  const created = world.hub.takeMessages();
  assert.deepEqual(
    created.map(({ route }) => `${route.group} ${route.operation} ${route.resource}`),
    ["resource insert plant/devicemodel/thermometer", "twin update membership", "resource insert plant/device/thermo"],
  );
  const membership = created[1]?.content as Record<string, JsonValue>;
  assert.deepEqual(membership["added_devices"], [{ id: "plant/thermo", name: "thermo" }]);
  assert.equal(membership["removed_devices"], null);
  await world.delete(devices, "thermo");
  const deleted = world.hub.takeMessages();
  assert.deepEqual(
    deleted.map(({ route }) => `${route.group} ${route.operation} ${route.resource}`),
    ["resource delete plant/devicemodel/thermometer", "twin update membership", "resource delete plant/device/thermo"],
  );
  assert.equal(objectOf(deleted[2]?.content ?? null)?.kind, "Device");
});

test("a device that is moved leaves its old node and comes to the new one", async () => {
  await using world = await worldWithDevice();
  await world.connect("edge-2");
  world.hub.take();
  await world.patch(devices, "thermo", { spec: { nodeName: "edge-2" } });
  const messages = world.hub.delivered
    .splice(0)
    .map(({ nodeName, message: { route } }) => [nodeName, route.operation, route.resource].join(" "));
  assert.deepEqual(messages.sort(), [
    "edge-1 delete plant/device/thermo",
    "edge-1 delete plant/devicemodel/thermometer",
    "edge-1 update membership",
    "edge-2 insert plant/device/thermo",
    "edge-2 insert plant/devicemodel/thermometer",
    "edge-2 update membership",
  ]);
});

test("the very first reported value is stored, in the DeviceStatus and in the Device (KubeEdge loses it)", async () => {
  await using world = await worldWithDevice();
  world.hub.take();
  const request = await world.report("edge-1", reportPath, twinReport("21.5"));
  const expected = {
    twins: [
      {
        propertyName: "temperature",
        reported: { value: "21.5", metadata: { timestamp: "1700000000000", type: "float" } },
      },
    ],
  };
  const [status] = await world.stored<DeviceStatus>(deviceStatuses);
  const [device] = await world.stored<Device>(devices);
  assert.deepEqual(status?.status, expected);
  assert.deepEqual(device?.status, { ...expected, lastReportedTime: "2023-11-14T22:13:20Z" });
  assert.deepEqual(status?.metadata.ownerReferences, [
    {
      apiVersion: "devices.kubeedge.io/v1beta1",
      kind: "Device",
      name: "thermo",
      uid: device?.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  const [answer, ...more] = world.hub.takeMessages();
  assert.deepEqual(answer?.route, {
    source: "devicecontroller",
    group: "twin",
    operation: "response",
    resource: "twin",
  });
  assert.deepEqual([answer?.content, answer?.header.parent_msg_id, more.length], ["OK", request.header.msg_id, 0]);
});

test("state and twins are stored side by side, and values of unknown properties left out", async () => {
  await using world = await worldWithDevice();
  await world.report("edge-1", reportPath, {
    twin: {
      temperature: { actual: { value: "20" }, expected: { value: "25" } },
      target: { actual: { value: "25" } },
      humidity: { actual: { value: "40" } },
    },
  });
  const state = { device: { name: "thermo", state: "online", lastOnlineTime: "2026-01-01T00:00:00Z" } };
  await world.report("edge-1", "device/plant/thermo/state/update", JSON.stringify(state));
  await world.clock.advance(250);
  const [status] = await world.stored<DeviceStatus>(deviceStatuses);
  assert.deepEqual(status?.status, {
    twins: [
      { propertyName: "temperature", reported: { value: "20" }, observedDesired: { value: "25" } },
      { propertyName: "target", reported: { value: "25" } },
    ],
    state: "online",
    lastOnlineTime: "2026-01-01T00:00:00Z",
  });
});

/** Something is done before each object is made or changed. */
function beforeWrites(
  api: KubernetesApi,
  before: (target: Partial<ObjectTarget>, body: object) => Promise<void>,
): KubernetesApi {
  return new Proxy(api, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member);
      if (typeof value !== "function") return value;
      if (member !== "patch" && member !== "create") return value.bind(target);
      return async (...parameters: [ObjectTarget, object]) => {
        await before(...parameters);
        return value.apply(target, parameters);
      };
    },
  });
}

test("reports that come while one is being written go together, newest first, and each is answered", async () => {
  const writes: string[] = [];
  const gate = Promise.withResolvers<void>();
  const slow = (api: KubernetesApi): KubernetesApi =>
    beforeWrites(api, async ({ resource, subresource }, body) => {
      if (resource !== deviceStatuses || subresource !== undefined) return;
      writes.push(JSON.stringify(body));
      await gate.promise;
    });
  await using world = await worldWithDevice(slow);
  world.hub.take();
  for (let value = 1; value <= 50; value++) await world.report("edge-1", reportPath, twinReport(String(value)));
  assert.deepEqual(world.hub.take(), []);
  gate.resolve();
  await world.clock.advance(1_000);
  assert.equal(writes.length, 2);
  assert.match(writes[1] ?? "", /"50"/);
  assert.equal(world.hub.take().length, 50);
});

test("a report is answered only when it is stored: the API's failures are tried again", async () => {
  let failures = 3;
  const flaky = (api: KubernetesApi): KubernetesApi =>
    beforeWrites(api, async ({ resource }) => {
      if (resource === deviceStatuses && failures-- > 0)
        throw new ApiError(failureStatus(409, "Conflict", "the object has been modified"));
    });
  await using world = await worldWithDevice(flaky);
  world.hub.take();
  await world.report("edge-1", reportPath, twinReport("21.5"));
  assert.deepEqual(world.hub.take(), []);
  await world.clock.advance(1_000);
  assert.deepEqual(world.hub.take(), ["devicecontroller response twin"]);
  assert.equal((await world.stored<DeviceStatus>(deviceStatuses))[0]?.status?.twins?.[0]?.reported?.value, "21.5");
});

test("a device's first report is one write of its DeviceStatus; one that is there already is not written over", async () => {
  const writes: string[] = [];
  const noted = (api: KubernetesApi): KubernetesApi =>
    beforeWrites(api, async ({ resource, name, subresource }) => {
      if (resource === deviceStatuses && subresource === undefined)
        writes.push(name === undefined ? "create" : "patch");
    });
  await using world = await worldWithDevice(noted);
  await world.report("edge-1", reportPath, twinReport("1"));
  await world.clock.advance(1_000);
  assert.deepEqual(writes, ["create"]);
  const [made] = await world.stored<DeviceStatus>(deviceStatuses);
  assert.equal(made?.status?.twins?.[0]?.reported?.value, "1");
  assert.equal(made?.metadata.ownerReferences?.[0]?.kind, "Device");
  await using other = await worldWithDevice(noted);
  assert.ok(made);
  const kept: DeviceStatus = { ...made, metadata: { name: "thermo", namespace: "plant" }, status: { state: "ok" } };
  await other.memory.create({ resource: deviceStatuses, namespace: "plant" }, kept);
  writes.length = 0;
  await other.report("edge-1", reportPath, twinReport("2"));
  await other.clock.advance(1_000);
  assert.deepEqual(writes, ["create", "patch"]);
  const [found] = await other.stored<DeviceStatus>(deviceStatuses);
  assert.deepEqual([found?.status?.state, found?.status?.twins?.[0]?.reported?.value], ["ok", "2"]);
});

test("a report is answered only when it is stored, also when one before it is stored but not yet shown in the Device", async () => {
  let goesDown = true;
  let isDown = false;
  const flaky = (api: KubernetesApi): KubernetesApi =>
    new Proxy(api, {
      get(target, member) {
        const value: unknown = Reflect.get(target, member);
        if (member !== "patch") return typeof value === "function" ? value.bind(target) : value;
        return async (...parameters: Parameters<KubernetesApi["patch"]>) => {
          isDown ||= goesDown && parameters[0].resource === devices;
          if (isDown) throw apiUnreachable("https://api", "it is down");
          return target.patch(...parameters);
        };
      },
    });
  await using world = await worldWithDevice(flaky);
  world.hub.take();
  await world.report("edge-1", reportPath, twinReport("20"));
  assert.deepEqual([world.hub.take(), isDown], [["devicecontroller response twin"], true]);
  await world.report("edge-1", reportPath, twinReport("21"));
  await world.clock.advance(1_000);
  assert.deepEqual(world.hub.take(), []);
  goesDown = false;
  isDown = false;
  await world.clock.advance(10_000);
  assert.deepEqual(world.hub.take(), ["devicecontroller response twin"]);
  const [status] = await world.stored<DeviceStatus>(deviceStatuses);
  const [device] = await world.stored<Device>(devices);
  for (const shown of [status, device]) assert.equal(shown?.status?.twins?.[0]?.reported?.value, "21");
});

test("what a node reports of a device does not come back to it; a desired value does go down", async () => {
  await using world = await worldWithDevice();
  await world.report("edge-1", reportPath, twinReport("21.5"));
  world.hub.take();
  await world.clock.advance(20_000);
  assert.deepEqual(world.hub.take(), []);
  await world.patch(devices, "thermo", { spec: { properties: [{ name: "temperature", desired: { value: "25" } }] } });
  const [message, ...more] = world.hub.takeMessages();
  assert.deepEqual(
    [message?.route.operation, message?.route.resource, more.length],
    ["update", "plant/device/thermo", 0],
  );
});

test("a changed model goes to the nodes whose devices use it (KubeEdge sends it never)", async () => {
  await using world = await worldWithDevice();
  world.hub.take();
  await world.patch(deviceModels, "thermometer", { spec: { protocol: "modbus" } });
  assert.deepEqual(
    world.hub.takeMessages().map(({ route }) => `${route.operation} ${route.resource}`),
    ["update plant/devicemodel/thermometer"],
  );
});

test("reports of foreign devices and malformed ones are refused, never dropped", async () => {
  await using world = await worldWithDevice();
  await world.connect("edge-2");
  world.hub.take();
  const reasons = async (nodeName: string, path: string, content: JsonValue): Promise<string | undefined> => {
    await world.report(nodeName, path, content);
    const answer = world.hub.takeMessages().find(({ route }) => route.operation === "response");
    return errorStatusOf(answer?.content ?? null)?.reason;
  };
  assert.equal(await reasons("edge-2", reportPath, twinReport("1")), "NotFound");
  assert.equal(await reasons("edge-1", reportPath, "no JSON"), "BadRequest");
  assert.equal(await reasons("edge-1", reportPath, { twin: null }), "BadRequest");
  assert.equal(await reasons("edge-1", "device/plant/thermo/state/update", "{}"), "BadRequest");
  assert.equal(await reasons("edge-1", "device/plant/thermo/else", {}), "MethodNotAllowed");
});

test("the membership query is confirmed (KubeEdge never answers it)", async () => {
  await using world = await worldWithDevice();
  world.hub.take();
  const request = await world.report("edge-1", "membership/detail", "{}", "get");
  const [answer] = world.hub.takeMessages();
  assert.deepEqual([answer?.content, answer?.header.parent_msg_id], ["OK", request.header.msg_id]);
});

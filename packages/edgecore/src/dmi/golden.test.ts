import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { decodeMessage } from "@skerry/link";
import { DmiWorld, type MapperCall } from "./testing/dmi-world.ts";
import {
  list,
  object,
  recordedDevice,
  recordedModel,
  recordedTwinProperty,
  text,
} from "./testing/recorded-messages.ts";

interface Line {
  readonly dir: string;
  readonly ts: number;
  readonly rpc?: string;
  readonly msg: JsonObject;
}

function recording(path: string): Line[] {
  const file = readFileSync(new URL(`../../../../fixtures/${path}`, import.meta.url), "utf8");
  return file
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** What the recorded cloud sent, in the order of time with what the recorded mapper and edge called. */
const lines = [
  ...recording("link/30-dmi-mapper-ws.jsonl").filter(
    ({ dir, msg }) => dir === "cloud->edge" && !object(msg["header"])["parent_msg_id"],
  ),
  ...recording("dmi/mapper.jsonl").filter(
    ({ rpc }) => !rpc?.endsWith(".response") || rpc === "MapperRegister.response",
  ),
].sort((a, b) => a.ts - b.ts);

/** A recorded call of the edge, as the mapper got it. */
function recordedCall(rpc: string, msg: JsonObject): MapperCall {
  if (rpc === "RegisterDevice" || rpc === "UpdateDevice")
    return { method: rpc, device: recordedDevice(object(msg["device"])) };
  assert.equal(rpc, "RemoveDevice");
  return { method: "RemoveDevice", name: text(msg["deviceName"]), namespace: text(msg["deviceNamespace"]) };
}

async function fromCloud(world: DmiWorld, msg: JsonObject): Promise<void> {
  const message = decodeMessage(JSON.stringify(msg));
  if (message.route.resource === "membership") await world.twins.twin.handle(message);
  else await world.twins.meta.handle(message);
  await world.twins.clock.advance(0);
}

test("a mapper that calls as the recorded one gets the devices, models and later calls that KubeEdge's edge gave", async () => {
  await using world = await DmiWorld.start();
  let compared = 0;
  for (const { dir, rpc, msg } of lines) {
    const device = { deviceName: text(msg["deviceName"]), deviceNamespace: text(msg["deviceNamespace"]) };
    if (rpc === undefined) await fromCloud(world, msg);
    else if (dir === "edgecore->mapper" && rpc !== "MapperRegister.response") {
      assert.deepEqual(await world.mapper.next(), recordedCall(rpc, msg));
      compared++;
    } else if (rpc === "MapperRegister") {
      const answer = await world.register("modbus");
      const recorded = lines.find((line) => line.rpc === "MapperRegister.response")?.msg ?? {};
      assert.deepEqual(answer.deviceList, list(recorded["deviceList"]).map(recordedDevice));
      assert.deepEqual(answer.modelList, list(recorded["modelList"]).map(recordedModel));
      compared++;
    } else if (rpc === "ReportDeviceStates")
      await world.manager.reportDeviceStates({ ...device, state: text(msg["state"]) });
    else if (rpc === "ReportDeviceStatus") {
      const twins = list(object(msg["reportedDevice"])["twins"]).map((twin) => ({
        propertyName: text(twin["propertyName"]),
        observedDesired: recordedTwinProperty(twin["observedDesired"]),
        reported: recordedTwinProperty(twin["reported"]),
      }));
      await world.manager.reportDeviceStatus({
        ...device,
        reportedDevice: { twins, reportToCloud: true, reportCycle: 0 },
      });
      const entry = world.twins.outbox().find(({ key }) => key === "twin/default/thermo-1/temperature");
      const reported = object(object(object(entry?.content)["twin"])["temperature"]);
      assert.equal(entry?.resource, "device/default/thermo-1/twin/edge_updated");
      assert.equal(object(reported["expected"])["value"], "20.0");
      assert.equal(object(reported["actual"])["value"], "19.5");
      // Where KubeEdge errs: it reports the type "string" for a FLOAT.
      assert.equal(object(reported["metadata"])["type"], "float");
    }
  }
  assert.equal(compared, 4);
  const state = world.twins.outbox().find(({ key }) => key === "devicestate/default/thermo-1");
  assert.equal(state, undefined, "a removed device's state is not reported any more");
});

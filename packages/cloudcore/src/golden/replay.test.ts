import assert from "node:assert/strict";
import { test } from "node:test";
import { type Device, type DeviceStatus, deviceStatuses, devices } from "@skerry/api";
import { differences } from "./testing/differences.ts";
import { readPhase } from "./testing/recording.ts";
import { type PlayOptions, Replay } from "./testing/replay.ts";

/** Objects that a pod needs go down with the first pod that needs them; KubeEdge leaves it to the edge to ask. */
const pushed = (...objects: string[]): string[] => objects.map((object) => `ours alone: put default/${object}`);
/** They leave the node with the last pod that needs them; in KubeEdge they stay for ever. */
const takenBack = (...objects: string[]): string[] => objects.map((object) => `ours alone: delete default/${object}`);
/** The edge asks for its devices whenever it connects; KubeEdge never answers (wire.md W17). */
const membershipConfirmed = "answered by us alone: membership/detail";
const authorities = ["configmap/kube-root-ca.crt", "configmap/openshift-service-ca.crt"];

test("CloudCore answers a recorded KubeEdge edge as KubeEdge does, but for what is named", async (t) => {
  await using replay = new Replay((readPhase("01-join-registration")[0]?.timeMs ?? 0) - 1_000);
  await replay.start();
  const phase = (name: string, expected: readonly string[], options: PlayOptions = {}): Promise<void> =>
    t.test(name, async () => {
      const outcome = await replay.play(readPhase(name), options);
      assert.deepEqual(differences(outcome).sort(), [...expected].sort());
    });

  await phase("01-join-registration", [membershipConfirmed]);
  await phase("02-node-status-lease", []);
  await phase("03-pod-create-plain", pushed(...authorities));
  await phase("04-pod-create-configmap-secret", pushed("configmap/web-cm", "secret/web-sec"));
  await phase("05-configmap-secret-update", []);
  await phase("06-pod-status-exit", []);
  await phase("07-pod-label-update", []);
  await phase("11-pod-delete", []);
  await phase("12-device-create", []);
  await phase("13-device-desired-update", takenBack(...authorities, "configmap/web-cm", "secret/web-sec"));
  await phase("14-twin-update-from-edge", []);
  await t.test("14: every reported value is in the DeviceStatus and the Device, the first one too", async () => {
    const [status] = (await replay.memory.list<DeviceStatus>({ resource: deviceStatuses })).items;
    const [device] = (await replay.memory.list<Device>({ resource: devices })).items;
    // KubeEdge's own DeviceStatus after this phase lacks the value of led: it was its first.
    const values = (object: DeviceStatus | Device | undefined): (string | undefined)[][] =>
      (object?.status?.twins ?? []).map(({ propertyName, reported }) => [propertyName, reported?.value]);
    const expected = [
      ["temperature", "1"],
      ["led", "OFF"],
    ];
    assert.deepEqual([values(status), values(device)], [expected, expected]);
  });
  await phase("15-device-state-from-edge", []);
  await phase("16-membership-get", []);
  await phase("17-mqtt-upload", []);
  await phase(
    "18-disconnect-offline-changes-reconnect",
    [
      membershipConfirmed,
      ...pushed(...authorities),
      // With KubeEdge's source the edge stores the device and does not hand it on (wire.md W9).
      "other source: default/device/thermo-1: edgecontroller there, devicecontroller here",
    ],
    { madeWhileAway: ({ header }) => Number(header.resourceversion) <= 528 },
  );
  await phase("19-edgecore-restart", [
    membershipConfirmed,
    // An EdgeCore that starts may have lost its database: it gets everything again (cloud.md 14, 29).
    ...pushed(...authorities, "configmap/web-cm", "secret/web-sec", "pod/plain2", "pod/web-7bdfb79856-rhz2z"),
    ...pushed("devicemodel/thermo", "device/thermo-1"),
    "ours alone: put membership",
  ]);
  await phase("20-device-delete", []);
  await phase("21-model-delete", []);
  await phase(
    "22-cloudcore-restart",
    // Heartbeats are not sent to the node, so its last acknowledged version is old; a new CloudCore sends it once more.
    [membershipConfirmed, "ours alone: put null/node/edge-node-1"],
    { restartsCloud: true },
  );
  await phase("23-node-delete-while-connected", [
    membershipConfirmed,
    ...takenBack(...authorities, "configmap/web-cm", "secret/web-sec"),
  ]);
  await phase("24-edgecore-restart-after-node-delete", [membershipConfirmed]);
});

test("the first value that a recorded edge reports of a device is stored (KubeEdge keeps an empty one)", async () => {
  const events = readPhase("31-first-twin-value");
  await using replay = new Replay((events[0]?.timeMs ?? 0) - 1_000);
  await replay.start();
  const firstReport = events.findIndex(
    (event) => event.kind === "from-edge" && event.message.route.resource?.endsWith("/twin/edge_updated"),
  );
  const opened = { kind: "opened", timeMs: events[0]?.timeMs ?? 0 } as const;
  assert.deepEqual(differences(await replay.play([opened, ...events.slice(0, firstReport + 2)])), []);
  const [status] = (await replay.memory.list<DeviceStatus>({ resource: deviceStatuses })).items;
  assert.deepEqual(status?.status?.twins, [
    {
      propertyName: "temperature",
      reported: { value: "11.1", metadata: { timestamp: "1795301880247", type: "float" } },
    },
  ]);
});

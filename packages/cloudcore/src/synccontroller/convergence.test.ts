import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, deviceModels, devices, objectSyncs, pods, type ResourceReference } from "@skerry/api";
import fc from "fast-check";
import { CloudWorld } from "../testing/cloud-world.ts";
import { EdgeStore } from "./testing/edge-store.ts";

const NODE = "edge-1";

type Step =
  | { readonly kind: "create" | "change" | "delete"; readonly what: number; readonly node: number }
  | { readonly kind: "connect" | "disconnect" | "restart" | "lose-messages" | "lose-acknowledgements" | "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("create" as const, "change" as const, "delete" as const),
      what: fc.nat(5),
      node: fc.nat(1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "connect" as const,
        "disconnect" as const,
        "restart" as const,
        "lose-messages" as const,
        "lose-acknowledgements" as const,
        "wait" as const,
      ),
    }),
  },
);

const subjects: readonly [ResourceReference, string][] = [
  [pods, "a"],
  [pods, "b"],
  [configMaps, "settings"],
  [devices, "thermo"],
  [devices, "pump"],
  [deviceModels, "model"],
];

async function write(world: CloudWorld, { kind, what, node }: Extract<Step, { what: number }>): Promise<void> {
  const [resource, name] = subjects[what] ?? [pods, "a"];
  const nodeName = node === 0 ? NODE : "edge-2";
  const exists = (await world.stored(resource)).some(({ metadata }) => metadata.name === name);
  if (kind === "delete" && exists) await world.delete(resource, name, 0);
  if (kind === "change" && exists) {
    const spec = resource === devices ? { nodeName } : {};
    await world.patch(resource, name, { metadata: { labels: { changed: String(world.clock.monotonicMs()) } }, spec });
  }
  if (kind !== "create" || exists) return;
  const settings = { volumes: [{ name: "v", configMap: { name: "settings" } }] };
  if (resource === pods) await world.createPod(name, { nodeName, ...settings });
  else if (resource === configMaps) await world.createConfigMap(name);
  else if (resource === deviceModels) await world.createModel(name, "temperature");
  else await world.createDevice(name, { nodeName, deviceModelRef: { name: "model" } });
}

/** What the node should hold, derived from the API alone. */
async function wanted(world: CloudWorld): Promise<Map<string, string | undefined>> {
  const result = new Map<string, string | undefined>();
  for (const [type, resource] of [
    ["pod", pods],
    ["device", devices],
  ] as const)
    for (const { metadata, spec } of await world.stored<
      { spec?: { nodeName?: string } } & Awaited<ReturnType<CloudWorld["createPod"]>>
    >(resource))
      if (spec?.nodeName === NODE) result.set(`plant/${type}/${metadata.name}`, metadata.uid);
  for (const [type, resource, user] of [
    ["configmap", configMaps, "plant/pod/"],
    ["devicemodel", deviceModels, "plant/device/"],
  ] as const)
    for (const { metadata } of await world.stored(resource))
      if ([...result.keys()].some((key) => key.startsWith(user)))
        result.set(`plant/${type}/${metadata.name}`, metadata.uid);
  return result;
}

/** The deletion for the move away arrived, its acknowledgement did not: the node must get the device again. */
const movedAwayAndBack: Step[] = [
  { kind: "create", what: 3, node: 0 },
  { kind: "change", what: 3, node: 0 },
  { kind: "lose-acknowledgements" },
  { kind: "change", what: 3, node: 1 },
  { kind: "create", what: 0, node: 0 },
  { kind: "change", what: 3, node: 0 },
];

for (const delivery of ["kubeedge", "skerry"] as const)
  test(`whatever happens, a node with ${delivery}'s delivery that stays connected ends up with what it should hold`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30, size: "max" }), async (steps) => {
        await using world = await new CloudWorld().start();
        const edge = new EdgeStore();
        world.hub.delivery = delivery;
        let losesMessages = false;
        world.hub.onDeliver = (nodeName, message) => {
          if (nodeName !== NODE || losesMessages) return;
          for (const report of edge.apply(message)) queueMicrotask(() => world.hub.reportSet(NODE, report));
        };
        await world.connect(NODE);
        for (const current of steps) {
          if ("what" in current) await write(world, current);
          else if (current.kind === "restart") await world.restart();
          else if (current.kind === "lose-acknowledgements") world.hub.acknowledges = false;
          else if (current.kind === "lose-messages") {
            losesMessages = true;
            world.hub.acknowledges = false;
          } else if (current.kind === "wait") await world.clock.advance(6_000);
          else if (current.kind === "disconnect" && world.hub.connectedNodes.has(NODE)) world.hub.disconnect(NODE);
          else if (current.kind === "connect" && !world.hub.connectedNodes.has(NODE)) {
            losesMessages = false;
            world.hub.acknowledges = true;
            await world.connect(NODE);
          }
        }
        if (world.hub.connectedNodes.has(NODE)) world.hub.disconnect(NODE);
        losesMessages = false;
        world.hub.acknowledges = true;
        await world.connect(NODE);
        await world.clock.advance(12_000);
        const held = [...edge.objects].map(([resource, { uid }]) => [resource, uid] as const);
        assert.deepEqual(new Map(held.sort()), new Map([...(await wanted(world))].sort()));
        assert.deepEqual(edge.wentBack, []);
        if (delivery === "skerry") assert.deepEqual(await world.stored(objectSyncs), []);
      }),
      { numRuns: 200, examples: [[movedAwayAndBack]] },
    );
  });

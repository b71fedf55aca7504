import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "@skerry/api";
import type { PodGroups } from "./ports.ts";
import { EdgedWorld } from "./testing/edged-world.ts";

const MIB = 1024 ** 2;
const app = (more: Partial<Container> = {}): Container => ({ name: "app", image: "app:1", ...more });
const inMemory = (mebibytes: number): { limits: { memory: string } } => ({ limits: { memory: `${mebibytes}Mi` } });
/** Neither has limits of its own. */
const PAIR = [app({ name: "one" }), app({ name: "other" })];

function takeGroupFolders(world: EdgedWorld): void {
  world.runtime.featuresValue = { ...world.runtime.featuresValue, takesGroupFolders: true };
}

/** Control groups that hand on which memory they are given. */
function groupsWith(provided: (memoryMebibytes: number) => string | undefined): PodGroups {
  return { provide: async ({ limits }) => provided(limits.memoryBytes / MIB), remove: async () => undefined };
}

const someGroups: PodGroups = groupsWith(() => "/kubepods/web");

test("a pod has a control group before its sandbox, is not in the way of a resize, and leaves none", async () => {
  const actions: string[] = [];
  const podGroups: PodGroups = {
    provide: async ({ uid, limits }) => {
      actions.push(`group ${uid} ${limits.memoryBytes}`);
      return `/kubepods/${uid}`;
    },
    remove: async (uid) => void actions.push(`no group ${uid}`),
  };
  await using world = new EdgedWorld({ podGroups });
  takeGroupFolders(world);
  world.runtime.onSandbox = ({ controlGroup }) => actions.push(`sandbox in ${controlGroup}`);
  await world.start();
  const sized = (memory: string): Container => app({ resources: { limits: { memory } } });
  await world.put("pod", world.pod("web", { containers: [sized("1Mi")] }));
  await world.pass(2000);
  await world.put("pod", world.pod("web", { containers: [sized("2Mi")] }));
  await world.pass(2000);
  await world.requestDeletion("web", 0);
  await world.pass(5000);
  assert.deepEqual(actions.slice(0, 4), [
    `group uid-web ${MIB}`,
    "sandbox in /kubepods/uid-web",
    "group uid-web 0",
    `group uid-web ${2 * MIB}`,
  ]);
  assert.ok(actions.slice(4).every((action) => action === "no group uid-web") && actions.length > 4, actions.join());
});

for (const { name, limited } of [
  { name: "those of its containers", limited: false },
  { name: "its own ones, but none tighter than its containers", limited: true },
])
  test(`a pod's group has limits again when the runtime refuses a resize: ${name}`, async () => {
    const given: number[] = [];
    const podGroups = groupsWith((mebibytes) => {
      given.push(mebibytes);
      return "/kubepods/web";
    });
    await using world = new EdgedWorld({ podGroups });
    const sized = (one: number, other: number): Pod =>
      world.pod("web", {
        containers: [
          app({ name: "one", resources: inMemory(one) }),
          app({ name: "other", resources: inMemory(other) }),
        ],
        ...(limited ? { resources: inMemory(one + other) } : {}),
      });
    takeGroupFolders(world);
    await world.start();
    await world.put("pod", sized(64, 2));
    await world.pass(2000);
    assert.deepEqual(given, [64 + 2]);
    world.runtime.failNext("updateContainerResources", "device or resource busy");
    await world.put("pod", sized(1, 4));
    assert.deepEqual(given.slice(1, 3), [0, 64 + 4], "the first container keeps what it has");
    await world.pass(60_000);
    assert.deepEqual(given.slice(3), [0, 1 + 4], "it is tried again");
  });

test("a pod with limits of its own is told when its group cannot be made; one without is not", async () => {
  await using world = new EdgedWorld({ podGroups: groupsWith(() => undefined) });
  takeGroupFolders(world);
  await world.start();
  await world.put("pod", world.pod("limited", { containers: PAIR, resources: inMemory(64) }));
  await world.put("pod", world.pod("free", { containers: PAIR }));
  await world.pass(3000);
  assert.ok(world.cloud.eventReasons("limited").includes("LimitsNotEnforced"));
  assert.ok(!world.cloud.eventReasons("free").includes("LimitsNotEnforced"));
});

test("a pod without a group is told that the node's limit of processes does not hold", async () => {
  await using world = new EdgedWorld({ config: { podPidsLimit: 100 }, podGroups: someGroups });
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(3000);
  assert.ok(world.cloud.eventReasons("web").includes("LimitsNotEnforced"));
  takeGroupFolders(world);
  await world.restart();
  await world.put("pod", world.pod("other"));
  await world.pass(3000);
  assert.ok(!world.cloud.eventReasons("other").includes("LimitsNotEnforced"));
});

test("with seccompDefault containers have the runtime's profile", async () => {
  await using world = new EdgedWorld({ config: { seccompDefault: true } });
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(3000);
  assert.deepEqual(world.runtime.configOf(world.runtime.running()[0]?.id ?? "")?.seccomp, { kind: "runtime-default" });
});

/** Why a group cannot limit the memory of a pod as a whole. */
const LACKS: readonly { readonly name: string; readonly podGroups?: PodGroups; lack(world: EdgedWorld): void }[] = [
  { name: "EdgeCore can make no groups", lack: takeGroupFolders },
  { name: "the runtime takes none", podGroups: someGroups, lack: () => undefined },
  {
    name: "the machine's groups limit no memory",
    podGroups: someGroups,
    lack: (world) => {
      takeGroupFolders(world);
      const { factsValue } = world.host;
      world.host.factsValue = { ...factsValue, cgroups: { ...factsValue.cgroups, memory: false } };
    },
  },
];

for (const { name, podGroups, lack } of LACKS)
  test(`a pod whose containers would have to share its limit of memory is refused where ${name}`, async () => {
    await using world = new EdgedWorld(podGroups ? { podGroups } : {});
    lack(world);
    await world.start();
    await world.put("pod", world.pod("web", { containers: PAIR, resources: inMemory(64) }));
    await world.pass(3000);
    assert.deepEqual(world.runtime.running(), []);
    assert.ok(world.cloud.eventReasons("web").includes("FieldNotSupported"));
  });

import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "../testing/edged-world.ts";
import { toContainerConfig, toSandboxConfig } from "./cri-config.ts";
import * as cri from "./generated/cri.ts";

test("a pod's own users are those of its sandbox, its containers and all of their mounts", async () => {
  await using world = new EdgedWorld();
  const handlers = [{ name: "", recursiveReadOnlyMounts: true, userNamespaces: true }];
  world.runtime.featuresValue = { onlyTheseGroups: true, handlers };
  await world.start();
  const volumeMounts = [{ name: "data", mountPath: "/data" }];
  const spec = {
    containers: [{ name: "app", image: "app:1", volumeMounts }],
    volumes: [{ name: "data", emptyDir: {} }],
  };
  for (const hostUsers of [false, true]) {
    const name = `users-${hostUsers}`;
    await world.put("pod", world.pod(name, { ...spec, hostUsers }));
    await world.pass(2000);
    const id = world.runtime.running().find((each) => each.name === `${name}/app`)?.id ?? "";
    const [container, sandbox] = [world.runtime.configOf(id), world.runtime.sandboxConfigOf(id)];
    assert.ok(container && sandbox, name);
    const made = toContainerConfig(container);
    const contexts = [made.linux?.securityContext, toSandboxConfig(sandbox).linux?.securityContext];
    const users = [{ hostId: 65_536, containerId: 0, length: 65_536 }];
    const namespace = { mode: cri.NamespaceMode.POD, uids: users, gids: users };
    for (const context of contexts)
      assert.deepEqual(context?.namespaceOptions?.usernsOptions, hostUsers ? undefined : namespace);
    const mounts = made.mounts ?? [];
    assert.deepEqual(mounts.map(({ containerPath }) => containerPath).toSorted(), [
      "/data",
      "/dev/termination-log",
      "/etc/hosts",
    ]);
    for (const { uidMappings, gidMappings } of mounts)
      assert.deepEqual([uidMappings, gidMappings], hostUsers ? [undefined, undefined] : [users, users]);
  }
});

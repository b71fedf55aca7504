// The device plugin API with a plugin that is a process of its own and speaks another gRPC implementation.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Pod } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { unixGrpc, unixServerStream } from "@skerry/grpc/platform";
import { SqliteDatabase } from "@skerry/store/platform";
import { DevicePlugins } from "../devices/device-plugins.ts";
import { deviceTables } from "../devices/device-tables.ts";

const PLUGIN = fileURLToPath(new URL("./testing/device-plugin-process.ts", import.meta.url));
const RESOURCE = "example.com/serial";

test("a plugin in another process registers, tells its devices, gives them, and is missed when it is killed", async () => {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "skerry-devices-"));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const database = opened.use(new SqliteDatabase({ path: ":memory:", migrations: [deviceTables] }));
  let onChange = (): void => {};
  const plugins = opened.use(
    new DevicePlugins(
      {
        transport: { grpc: unixGrpc, stream: unixServerStream },
        folder,
        load: () => import("../devices/device-manager.ts"),
      },
      {
        meta: {
          read: (work) => database.read(work),
          transaction: (work) => database.transaction(work),
        },
        clock: systemClock,
        logger: silentLogger,
        isActive: () => true,
        changed: () => onChange(),
      },
    ),
  );
  const until = (isReached: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      onChange = () => isReached() && resolve();
      onChange();
    });
  await plugins.start();
  const plugin = fork(PLUGIN, [folder, RESOURCE, "/dev/null", "/dev/zero"], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  opened.defer(() => void plugin.kill("SIGKILL"));
  await until(() => plugins.counts.get(RESOURCE)?.allocatable === 2);
  const limits = { [RESOURCE]: "1" };
  const container = { name: "app", image: "app:1", resources: { limits } };
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", uid: "u" },
    spec: { containers: [container] },
  };
  const given = await plugins.provide(pod, container, new AbortController().signal);
  // It prefers its last device, and has the container told that it was started.
  assert.deepEqual(given.devices, [{ containerPath: "/dev/serial", hostPath: "/dev/zero", permissions: "rw" }]);
  assert.deepEqual(given.environment, [{ name: "SERIAL", value: "/dev/zero" }]);
  plugin.send("lose /dev/zero");
  await until(() => plugins.counts.get(RESOURCE)?.allocatable === 1);
  assert.equal(plugins.counts.get(RESOURCE)?.capacity, 2);
  const ended = once(plugin, "exit");
  plugin.kill("SIGKILL");
  await ended;
  await until(() => plugins.counts.get(RESOURCE)?.allocatable === 0);
});

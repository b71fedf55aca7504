import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { newMessage } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { EdgeCore } from "./edge-core.ts";
import { edgeDatabaseMigrations } from "./edge-database.ts";
import { edgedConfig } from "./edged/index.ts";
import { FakeContainerRuntime } from "./edged/testing/fake-container-runtime.ts";
import { FakeFileSystem, FakeHost, FakeMounts, FakeNetworkCheck } from "./edged/testing/fake-machine.ts";
import { sealOfKey } from "./edged/testing/seal-of-key.ts";
import { FakeCloud } from "./edgehub/testing/fake-cloud.ts";

class Node {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom = new SeededRandom();
  readonly cloud: FakeCloud = new FakeCloud();
  readonly runtime: FakeContainerRuntime = new FakeContainerRuntime(this.clock, ["app:1"]);
  readonly files: FakeFileSystem = new FakeFileSystem();
  readonly mounts: FakeMounts = new FakeMounts();

  edgeCore(database: SqliteDatabase): EdgeCore {
    const { clock, random, cloud, runtime } = this;
    return new EdgeCore(
      {
        database,
        clock,
        random,
        logger: silentLogger,
        link: { dialer: cloud, options: { projectId: "project", servers: ["192.0.2.1:10000"] } },
        edged: {
          runtime,
          fileSystem: this.files,
          mounts: this.mounts,
          host: new FakeHost(),
          network: new FakeNetworkCheck(),
          seal: sealOfKey(),
          config: edgedConfig({ nodeName: "edge-1", rootDirectory: "/var/lib/edged" }),
        },
      },
      { nodeName: "edge-1" },
    );
  }

  async pass(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
    for (let round = 0; round < 20; round++) await this.clock.advance(0);
  }

  async running(): Promise<number> {
    const containers = await this.runtime.listContainers();
    return containers.filter((container) => container.state === "running").length;
  }
}

const pod: KubernetesObject & { spec: object } = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "uid-1", resourceVersion: "10" },
  spec: {
    nodeName: "edge-1",
    restartPolicy: "Always",
    automountServiceAccountToken: false,
    containers: [{ name: "app", image: "app:1", imagePullPolicy: "IfNotPresent" }],
  },
};

test("a pod from the cloud runs, goes on without EdgeCore, and is back without the cloud (I10)", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: edgeDatabaseMigrations });
  const node = new Node();
  {
    await using core = node.edgeCore(database);
    await core.start();
    await node.pass(0);
    const route = { source: "edgecontroller", group: "resource", operation: "update", resource: "default/pod/web" };
    node.cloud.connection.deliver(newMessage(node, route, JSON.parse(JSON.stringify(pod))));
    await node.pass(5000);
    assert.equal(await node.running(), 1);
    const sent = node.cloud.connection.received.map((message) => message.route);
    assert.ok(sent.some(({ operation, resource }) => operation === "patch" && resource === "default/podpatch/web"));
  }
  assert.equal(await node.running(), 1, "a stop leaves the containers running");
  const before = (await node.runtime.listContainers()).map(({ id }) => id);
  node.cloud.behaviour = "hang";
  await using core = node.edgeCore(database);
  await core.start();
  await node.pass(5000);
  const after = (await node.runtime.listContainers()).map(({ id }) => id);
  assert.deepEqual(after, before, "the running container is adopted");
  assert.equal(core.edgeHub.state.kind, "disconnected");
});

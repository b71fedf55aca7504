import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonObject, silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { DELIVERY_HEADER, type Message, newMessage, OFFERED_DELIVERY, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { edgeDatabaseMigrations } from "../edge-database.ts";
import { FakeContainerRuntime } from "../edged/testing/fake-container-runtime.ts";
import { EdgeWorld } from "../metamanager/testing/edge-world.ts";
import { makeTaskManager } from "./make-task-manager.ts";
import { TaskEntry } from "./task-entry.ts";

const JOB = "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/edge-1";

/** One life of a node's EdgeCore over a database that outlives it; the runtime outlives it too. */
class TaskWorld implements AsyncDisposable {
  readonly edge: EdgeWorld;
  readonly #entry: TaskEntry;
  loads = 0;

  constructor(database: SqliteDatabase, runtime: FakeContainerRuntime | undefined, enabled = true, skerry = true) {
    this.edge = new EdgeWorld(database);
    const { meta, hub: cloudLink, clock, cloud } = this.edge;
    if (skerry) cloud.headers = { [DELIVERY_HEADER]: OFFERED_DELIVERY };
    cloud.answer = (message) =>
      message.route.operation === "UpdateNodeActionStatus" && skerry ? responseTo(this.edge, message, "OK") : undefined;
    this.#entry = new TaskEntry({
      meta,
      cloudLink,
      clock,
      logger: silentLogger,
      nodeName: "edge-1",
      enabled,
      load: async (services) => {
        this.loads++;
        const load = { cpuPercent: async () => 10, memoryPercent: async () => 81, diskPercent: async () => 10 };
        return makeTaskManager({ ...services, runtime, updater: undefined, load });
      },
    });
    this.edge.hub.register("taskmanager", this.#entry);
  }

  async start(connected = true): Promise<this> {
    await this.edge.meta.start();
    await this.#entry.start();
    if (connected) await this.connect();
    return this;
  }

  async connect(): Promise<void> {
    await this.edge.hub.start();
    await this.edge.clock.advance(0);
  }

  /** The cloud gives the node a part of a job. */
  async give(template: JsonObject, { id = "uid-1", resource = JOB, operation = "Check" } = {}): Promise<void> {
    const route = { source: "taskmanager", group: "taskmanager", operation, resource };
    const message = newMessage(this.edge, route, { imagePrePullTemplate: template });
    this.edge.cloud.connection.deliver({ ...message, header: { ...message.header, msg_id: id } });
    await this.settle();
  }

  /** Steps are promises after promises, and each report is a commit. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await this.edge.clock.advance(1);
  }

  get reports(): Message[] {
    return (this.edge.cloud.connections.at(-1)?.received ?? []).filter(
      ({ route }) => route.operation === "UpdateNodeActionStatus",
    );
  }

  /** Content of the report at this place. */
  content(index: number): JsonObject {
    const content = this.reports[index]?.content;
    assert.ok(isJsonObject(content));
    return content;
  }

  /** `<action> <ok or the reason>` of what reached the cloud. */
  get told(): string[] {
    return this.reports.map(({ content }) => {
      const { action, succ, reason } = content as JsonObject;
      return `${action} ${succ === true ? "ok" : reason}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entry[Symbol.asyncDispose]();
    await this.edge[Symbol.asyncDispose]();
  }
}

function open(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: edgeDatabaseMigrations });
}

function machine(...pullable: string[]): FakeContainerRuntime {
  const runtime = new FakeContainerRuntime(new ManualClock());
  for (const image of pullable) runtime.pullable.add(image);
  return runtime;
}

test("images are pulled, and each step is reported with the job's own id", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine("shop/app:1")).start();
  await world.give({ images: ["shop/app:1"] });
  assert.deepEqual(world.told, ["Check ok", "Pull ok"]);
  const [, pull] = world.reports;
  assert.deepEqual(pull?.route, {
    source: "websocket",
    group: "hub",
    operation: "UpdateNodeActionStatus",
    resource: JOB,
  });
  const { extend, jobUid, finishTime } = world.content(1);
  assert.equal(extend, '[{"image":"shop/app:1","status":"True"}]');
  assert.equal(jobUid, "uid-1");
  assert.match(String(finishTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test("a job that is given again is not done again; one that took its place is", async () => {
  await using database = open();
  const runtime = machine("shop/app:1");
  await using world = await new TaskWorld(database, runtime).start();
  await world.give({ images: ["shop/app:1"] });
  runtime.pullable.clear();
  await world.give({ images: ["shop/app:1"] });
  assert.deepEqual(world.told, ["Check ok", "Pull ok", "Check ok", "Pull ok"], "the same reports once more");
  await world.give({ images: ["shop/other:1"] }, { id: "uid-2" });
  assert.equal(world.told.length, 6);
  assert.match(world.told.at(-1) ?? "", /^Pull 1 of 1 images could not be pulled: .*not found/);
});

test("what was begun is done after a restart, and reported when the cloud is back", async () => {
  await using database = open();
  const runtime = machine("shop/app:1");
  runtime.setAvailable(false);
  {
    await using world = await new TaskWorld(database, runtime).start();
    await world.give({ images: ["shop/app:1"], retryTimes: 100 });
    assert.deepEqual(world.told, ["Check ok"]);
  }
  runtime.setAvailable(true);
  await using world = new TaskWorld(database, runtime);
  await world.start(false);
  await world.settle();
  assert.deepEqual(world.told, []);
  await world.connect();
  await world.settle();
  assert.deepEqual(world.told, ["Pull ok"]);
});

test("nothing of it is loaded before there is a job", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine()).start();
  assert.equal(world.loads, 0);
  await world.give({ images: ["shop/app:1"] });
  await world.give({ images: ["shop/app:1"] }, { id: "uid-2" });
  assert.equal(world.loads, 1);
});

test("each round tries what is still missing, and an image on the node counts when its registry is away", async () => {
  await using database = open();
  const runtime = machine("shop/b:1");
  runtime.addImage("shop/a:1");
  await using world = await new TaskWorld(database, runtime).start();
  await world.give({ images: ["shop/a:1", "shop/b:1", "shop/c:1"], retryTimes: 2 });
  assert.deepEqual(world.told, ["Check ok"]);
  runtime.pullable.add("shop/c:1");
  await world.edge.clock.advance(600);
  await world.settle();
  assert.deepEqual(world.told, ["Check ok", "Pull ok"]);
  const extend: unknown = JSON.parse(String(world.content(1)["extend"]));
  const statuses = extend as { image: string; status: string; reason?: string }[];
  assert.deepEqual(
    statuses.map(({ image, status }) => `${image} ${status}`),
    ["shop/a:1 True", "shop/b:1 True", "shop/c:1 True"],
  );
  assert.match(statuses[0]?.reason ?? "", /^the one on the node stays/);
});

test("a machine without room, and a job that says nonsense, are told with a code", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine()).start();
  const cases: [JsonObject, RegExp][] = [
    [{ images: ["a:1"], checkItems: ["cpu", "mem"] }, /^Check EDGECORE_TASK_CHECK_FAILED: mem is used to 81 %/],
    [{ images: ["a:1"], checkItems: ["gpu"] }, /^Check EDGECORE_TASK_INVALID: checkItems/],
    [{ images: [] }, /^Pull EDGECORE_TASK_INVALID: images/],
    [{ images: ["a:1; rm -rf /"] }, /^Pull EDGECORE_TASK_INVALID: .*is no image/],
    [{ images: ["a:1"], imageSecrets: "nonsense" }, /^Pull EDGECORE_TASK_INVALID: imageSecrets/],
  ];
  for (const [index, [template, expected]] of cases.entries()) {
    await world.give(template, { id: `uid-${index}` });
    assert.match(world.told.at(-1) ?? "", expected);
  }
  await world.give({ images: ["a:1"] }, { id: "uid-x", operation: "Explode" });
  assert.match(world.told.at(-1) ?? "", /^Explode EDGECORE_TASK_ACTION_UNKNOWN: /);
});

test("a node that takes no jobs says so, and one for another node is not done", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine("a:1"), false).start();
  await world.give({ images: ["a:1"] });
  assert.match(world.told.join(), /^Check EDGECORE_TASKS_DISABLED: /);
  await world.give({ images: ["a:1"] }, { resource: JOB.replace("edge-1", "edge-2") });
  assert.equal(world.told.length, 1);
  assert.equal(world.loads, 0);
});

test("an upgrade is refused with what to do instead", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine()).start();
  await world.give({}, { resource: JOB.replace("imageprepulljob", "nodeupgradejob") });
  assert.match(world.told.join(), /^Check EDGECORE_UPGRADE_UNSUPPORTED: .*Install the new version/);
});

test("a private image is pulled with the job's Secret, which is not kept on the node", async () => {
  await using database = open();
  const runtime = machine("registry.test/app:1");
  await using world = await new TaskWorld(database, runtime).start();
  const { cloud, meta } = world.edge;
  const inner = cloud.answer;
  const auths = { "registry.test": { username: "u", password: "p" } };
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
  cloud.answer = (message) =>
    message.route.resource === "plant/secret/registry"
      ? responseTo(world.edge, message, { metadata: { name: "registry", namespace: "plant", uid: "s" }, data })
      : inner(message);
  await world.give({ images: ["registry.test/app:1"], imageSecrets: "plant/registry" });
  assert.deepEqual(world.told, ["Check ok", "Pull ok"]);
  assert.deepEqual(runtime.credentialsUsed, [{ username: "u", password: "p" }]);
  assert.deepEqual(meta.list("secret"), []);
});

test("KubeEdge's cloud, which answers no report, is told each of them once", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine("a:1"), true, false).start();
  await world.give({ images: ["a:1"] });
  await world.edge.clock.advance(120_000);
  assert.deepEqual(world.told, ["Check ok", "Pull ok"]);
});

test("a KubeEdge cloud's older jobs are led from stage to stage, each answered as KubeEdge's edge does", async () => {
  await using database = open();
  await using world = await new TaskWorld(database, machine("a:1"), true, false).start();
  const stage = async (operation: string, state: string, item: JsonObject): Promise<JsonObject> => {
    const resource = `${operation}/task-1/node/edge-1`;
    const route = { source: "taskmanager", group: "taskmanager", operation, resource };
    const content = { TaskID: "task-1", Type: operation, State: state, Item: item };
    world.edge.cloud.connection.deliver(newMessage(world.edge, route, content));
    await world.settle();
    const report = world.edge.cloud.connection.received.at(-1);
    assert.deepEqual(report?.route, {
      source: "websocket",
      group: "hub",
      operation,
      resource: "task/task-1/node/edge-1",
    });
    assert.ok(isJsonObject(report?.content));
    return report.content;
  };
  const told = { NodeName: "edge-1", State: "", Action: "Success", Reason: "", Time: "", ExternalMessage: "" };
  assert.deepEqual(await stage("prepull", "Checking", { CheckItem: ["cpu"] }), { ...told, Event: "Check" });
  assert.deepEqual(await stage("prepull", "Pulling", { Images: ["a:1"], Secret: "", RetryTimes: 0 }), {
    ...told,
    Event: "Pull",
    ExternalMessage: '[{"image":"a:1","state":"Successful"}]',
  });
  const failed = await stage("prepull", "Pulling", { Images: ["b:1"] });
  assert.equal(failed["Action"], "Failure");
  assert.match(String(failed["ExternalMessage"]), /"image":"b:1","state":"Failed"/);
  assert.match(String((await stage("prepull", "Exploding", {}))["Reason"]), /EDGECORE_TASK_ACTION_UNKNOWN/);
  const upgrade = await stage("upgrade", "Checking", { CheckItem: [] });
  assert.deepEqual([upgrade["Event"], upgrade["Action"]], ["Check", "Failure"]);
  assert.match(String(upgrade["Reason"]), /EDGECORE_UPGRADE_UNSUPPORTED/);
  await world.edge.clock.advance(120_000);
  assert.equal(world.edge.cloud.connection.received.length, 5, "nobody answers them, so each is sent once");
});

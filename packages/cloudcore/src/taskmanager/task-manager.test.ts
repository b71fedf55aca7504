import assert from "node:assert/strict";
import { test } from "node:test";
import { imagePrePullJobs, type NodeJob, type NodeTaskStatus, nodes, nodeUpgradeJobs, secrets } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import { settle } from "@skerry/base/testing";
import { ApiError, failureStatus, type KubernetesApi } from "@skerry/kube";
import { outboxMessageId } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

const FLOWS = { imageprepulljob: imagePrePullJobs, nodeupgradejob: nodeUpgradeJobs } as const;
type Type = keyof typeof FLOWS;

/** CloudCore's part of jobs, with a test as the nodes. */
class JobWorld implements AsyncDisposable {
  readonly cloud: CloudWorld;
  #reports = 0;

  constructor(wrap?: (api: KubernetesApi) => KubernetesApi) {
    this.cloud = new CloudWorld(wrap);
    this.cloud.hub.delivery = "skerry";
  }

  async start(...nodeNames: string[]): Promise<this> {
    await this.cloud.start();
    for (const name of nodeNames) {
      await this.node(name);
      await this.cloud.connect(name);
    }
    this.cloud.hub.take();
    return this;
  }

  async node(name: string, isReady = true, kubeletVersion = "v1.32.0-kubeedge-v1.23.0"): Promise<void> {
    await this.cloud.createNode(name);
    const conditions = [{ type: "Ready", status: isReady ? "True" : "Unknown" }];
    await this.cloud.patch(nodes, name, { status: { conditions, nodeInfo: { kubeletVersion } } }, "status");
  }

  prePull(name: string, template: JsonObject): Promise<NodeJob> {
    return this.create("imageprepulljob", name, { imagePrePullTemplate: { images: ["a:1"], ...template } });
  }

  create(type: Type, name: string, spec: JsonObject): Promise<NodeJob> {
    return this.cloud.create<NodeJob>(FLOWS[type], { metadata: { name }, spec });
  }

  async job(name: string, type: Type = "imageprepulljob"): Promise<NodeJob> {
    return await this.cloud.memory.get<NodeJob>({ resource: FLOWS[type], name });
  }

  async tasks(name: string, type: Type = "imageprepulljob"): Promise<readonly NodeTaskStatus[]> {
    return (await this.job(name, type)).status?.nodeStatus ?? [];
  }

  /** The nodes' phases, in order, and the job's. */
  async phases(name: string, type: Type = "imageprepulljob"): Promise<string> {
    const { status } = await this.job(name, type);
    return [...(status?.nodeStatus ?? []).map(({ phase }) => phase), `job ${status?.phase}`].join(", ");
  }

  /** A node reports; answers what it is told. */
  async report(
    nodeName: string,
    job: string,
    content: JsonObject,
    { type = "imageprepulljob", about = nodeName }: { type?: Type; about?: string } = {},
  ): Promise<JsonValue[]> {
    const replies: JsonValue[] = [];
    const route = {
      source: "websocket",
      group: "hub",
      operation: "UpdateNodeActionStatus",
      resource: `operations.kubeedge.io/v1alpha2/${type}/${job}/node/${about}`,
    };
    const full = { succ: true, finishTime: "2026-01-02T03:04:05Z", reason: "", extend: "", ...content };
    const { taskManager } = this.cloud.controllers.handlers;
    const message = this.cloud.message(route, full);
    this.#reports++;
    if (this.cloud.hub.deliveryOf(nodeName) === "skerry")
      message.header.msg_id = outboxMessageId("00000000-0000-4000-8000-000000000000", this.#reports);
    await taskManager?.handle(nodeName, message, (reply) => replies.push(reply));
    await settle();
    return replies;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
  }
}

function refusalOf([reply]: JsonValue[]): string {
  return JSON.stringify(reply);
}

test("a node is given its part with the job's spec, and its reports make up the status", async () => {
  await using world = await new JobWorld().start("edge-1");
  const job = await world.prePull("pull", { nodeNames: ["edge-1"] });
  const [message, ...others] = world.cloud.hub.takeMessages();
  assert.deepEqual(others, []);
  assert.deepEqual(message?.route, {
    source: "taskmanager",
    group: "taskmanager",
    operation: "Check",
    resource: "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/edge-1",
  });
  assert.equal(message?.header.msg_id, job.metadata.uid);
  assert.deepEqual(message?.content, { imagePrePullTemplate: { images: ["a:1"], nodeNames: ["edge-1"] } });
  assert.equal(await world.phases("pull"), "InProgress, job InProgress");
  assert.deepEqual(await world.report("edge-1", "pull", { action: "Check" }), ["OK"]);
  const extend = JSON.stringify([{ image: "a:1", status: "True" }]);
  assert.deepEqual(await world.report("edge-1", "pull", { action: "Pull", extend }), ["OK"]);
  assert.deepEqual((await world.job("pull")).status, {
    phase: "Completed",
    nodeStatus: [
      {
        nodeName: "edge-1",
        phase: "Successful",
        actionFlow: [
          { action: "Check", status: "True", time: "2026-01-02T03:04:05Z" },
          { action: "Pull", status: "True", time: "2026-01-02T03:04:05Z" },
        ],
        imageStatus: [{ image: "a:1", status: "True" }],
      },
    ],
  });
});

test("a label selector means edge nodes only, and one after the other unless the job says more", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2", "edge-3");
  await world.cloud.create(nodes, { metadata: { name: "cloud-node", labels: {} } });
  await world.prePull("one", { labelSelector: {} });
  assert.equal(await world.phases("one"), "InProgress, Pending, Pending, job InProgress");
  await world.prePull("two", { labelSelector: {}, concurrency: 2 });
  assert.equal(await world.phases("two"), "InProgress, InProgress, Pending, job InProgress");
  await world.report("edge-1", "one", { action: "Pull" });
  assert.equal(await world.phases("one"), "Successful, InProgress, Pending, job InProgress");
});

test("nodes that cannot take part fail with the reason, and the tolerance decides about the job", async () => {
  await using world = await new JobWorld().start("edge-1");
  await world.node("edge-away", false);
  await world.node("edge-old", true, "v1.22.6-kubeedge-v1.20.1");
  await world.cloud.create(nodes, { metadata: { name: "cloud-node", labels: {} } });
  const nodeNames = ["edge-1", "missing", "cloud-node", "edge-away", "edge-old"];
  await world.prePull("strict", { nodeNames });
  await world.prePull("lenient", { nodeNames, failureTolerate: "0.8" });
  for (const job of ["strict", "lenient"]) await world.report("edge-1", job, { action: "Pull" });
  const codes = (await world.tasks("strict")).map(({ reason = "" }) => reason.split(":")[0]);
  assert.deepEqual(codes, [
    "",
    "TASKS_NODE_MISSING",
    "TASKS_NODE_NOT_EDGE",
    "TASKS_NODE_NOT_READY",
    "TASKS_NODE_TOO_OLD",
  ]);
  const strict = (await world.job("strict")).status;
  assert.equal(`${strict?.phase}: ${strict?.reason}`, "Failure: 4 of 5 nodes failed");
  assert.equal((await world.job("lenient")).status?.phase, "Completed");
});

test("a job that says both or neither which nodes are meant, or nonsense, fails with the reason and keeps it", async () => {
  await using world = await new JobWorld().start("edge-1");
  for (const [name, template] of Object.entries({
    neither: {},
    both: { nodeNames: ["edge-1"], labelSelector: {} },
    "no-match": { labelSelector: { matchLabels: { zone: "none" } } },
    "bad-selector": { labelSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } },
    "bad-tolerance": { nodeNames: ["edge-1"], failureTolerate: "some" },
  })) {
    await world.prePull(name, template);
    const { status } = await world.job(name);
    assert.equal(status?.phase, "Failure", name);
    assert.match(status?.reason ?? "", /^TASKS_JOB_INVALID: /, name);
  }
});

test("a CloudCore that starts goes on with a job, and tells a node again that came back", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2");
  await world.prePull("pull", { nodeNames: ["edge-1", "edge-2"] });
  world.cloud.hub.take();
  await world.cloud.restart();
  for (const name of ["edge-1", "edge-2"]) await world.cloud.connect(name);
  const path = "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/";
  assert.deepEqual(
    world.cloud.hub.take().filter((line) => line.startsWith("taskmanager")),
    [`taskmanager Check ${path}edge-1`],
  );
  await world.report("edge-1", "pull", { action: "Pull" });
  assert.deepEqual(world.cloud.hub.take(), [`taskmanager Check ${path}edge-2`]);
});

test("a KubeEdge node that has begun with an upgrade is not told again when it comes back", async () => {
  await using world = await new JobWorld().start();
  world.cloud.hub.delivery = "kubeedge";
  await world.node("edge-1");
  await world.cloud.connect("edge-1");
  await world.create("nodeupgradejob", "up", { version: "v1.24.0", nodeNames: ["edge-1"] });
  const jobs = () => world.cloud.hub.take().filter((line) => line.startsWith("taskmanager"));
  assert.equal(jobs().length, 1);
  world.cloud.hub.disconnect("edge-1");
  await world.cloud.connect("edge-1");
  assert.deepEqual(jobs(), []);
  await world.report("edge-1", "up", { action: "Check" }, { type: "nodeupgradejob" });
  await world.cloud.restart();
  await world.cloud.connect("edge-1");
  assert.deepEqual(jobs(), []);
  await world.prePull("pull", { nodeNames: ["edge-1"] });
  assert.equal(jobs().length, 1);
  world.cloud.hub.disconnect("edge-1");
  await world.cloud.connect("edge-1");
  assert.equal(jobs().length, 1, "pulling twice does no harm");
});

test("KubeEdge's upgrade runs through its steps; a node that went back has failed", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2");
  world.cloud.hub.delivery = "kubeedge";
  const type = "nodeupgradejob" as const;
  await world.create(type, "up", { version: "v1.24.0", nodeNames: ["edge-1", "edge-2"], concurrency: 2 });
  for (const node of ["edge-1", "edge-2"])
    for (const action of ["Check", "WaitingConfirmation", "BackUp"])
      assert.deepEqual(await world.report(node, "up", { action }, { type }), [], "KubeEdge's nodes wait for no answer");
  await world.report("edge-1", "up", { action: "Upgrade", extend: "v1.23.0,v1.24.0" }, { type });
  await world.report("edge-2", "up", { action: "Upgrade", succ: false, reason: "no disk" }, { type });
  assert.equal(await world.phases("up", type), "Successful, InProgress, job InProgress");
  await world.report("edge-2", "up", { action: "RollBack", extend: "v1.24.0,v1.23.0" }, { type });
  assert.equal(await world.phases("up", type), "Successful, Failure, job Failure");
  const [first, second] = await world.tasks("up", type);
  assert.deepEqual([first?.historicVersion, first?.currentVersion], ["v1.23.0", "v1.24.0"]);
  assert.equal(second?.reason, "Upgrade: no disk");
});

test("a silent node ends as Unknown, gives its place free, and what it reports later still counts", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2");
  await world.prePull("pull", { nodeNames: ["edge-1", "edge-2"], timeoutSeconds: 60 });
  await world.cloud.clock.advance(50_000);
  await world.report("edge-1", "pull", { action: "Check" });
  await world.cloud.clock.advance(50_000);
  assert.equal(await world.phases("pull"), "InProgress, Pending, job InProgress", "each step begins a new time");
  await world.cloud.clock.advance(11_000);
  assert.equal(await world.phases("pull"), "Unknown, InProgress, job InProgress");
  assert.match((await world.tasks("pull"))[0]?.reason ?? "", /^TASKS_NO_REPORT: /);
  await world.report("edge-2", "pull", { action: "Pull" });
  assert.equal((await world.job("pull")).status?.phase, "Failure");
  assert.deepEqual(await world.report("edge-1", "pull", { action: "Pull" }), ["OK"]);
  assert.equal(await world.phases("pull"), "Successful, Successful, job Completed");
  assert.equal((await world.job("pull")).status?.reason, undefined);
});

test("a node that waits for somebody's confirmation may wait for any time", async () => {
  await using world = await new JobWorld().start("edge-1");
  const type = "nodeupgradejob" as const;
  await world.create(type, "up", { version: "v1.24.0", nodeNames: ["edge-1"], requireConfirmation: true });
  for (const action of ["Check", "WaitingConfirmation"]) await world.report("edge-1", "up", { action }, { type });
  await world.cloud.clock.advance(86_400_000);
  assert.equal(await world.phases("up", type), "InProgress, job InProgress");
});

test("a node that is not connected when it is its turn does not keep the job open for ever", async () => {
  await using world = await new JobWorld().start("edge-2");
  await world.node("edge-1");
  await world.prePull("pull", { nodeNames: ["edge-1", "edge-2"], timeoutSeconds: 60 });
  assert.equal(await world.phases("pull"), "Pending, InProgress, job InProgress", "the others go on");
  await world.cloud.clock.advance(90_000);
  assert.equal(await world.phases("pull"), "Pending, Unknown, job InProgress", "its time begins with its turn");
  await world.cloud.clock.advance(61_000);
  assert.equal(await world.phases("pull"), "Failure, Unknown, job Failure");
  assert.match((await world.tasks("pull"))[0]?.reason ?? "", /^TASKS_NODE_OFFLINE: /);
});

test("a report that the job does not wait for is refused for good", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2");
  const { metadata } = await world.prePull("pull", { nodeNames: ["edge-1", "edge-2"] });
  const pull = { action: "Pull", jobUid: metadata.uid ?? "" };
  assert.match(refusalOf(await world.report("edge-1", "other", pull)), /NotFound/);
  assert.match(refusalOf(await world.report("edge-1", "pull", { ...pull, jobUid: "older" })), /Gone/);
  assert.match(refusalOf(await world.report("edge-2", "pull", pull)), /NotFound/);
  assert.match(refusalOf(await world.report("edge-2", "pull", pull, { about: "edge-1" })), /Forbidden/);
  assert.match(refusalOf(await world.report("edge-1", "pull", { action: "Explode" })), /BadRequest/);
  assert.equal(await world.phases("pull"), "InProgress, Pending, job InProgress");
  assert.deepEqual(await world.report("edge-1", "pull", pull), ["OK"]);
  assert.deepEqual(await world.report("edge-1", "pull", pull), ["OK"], "twice says the same");
});

test("a report is tried again later when the API does not answer, and on the newest state when another wrote", async () => {
  let failure: (() => Error) | undefined;
  const wrap = (api: KubernetesApi): KubernetesApi => ({
    get: (...parameters) => api.get(...parameters),
    list: (...parameters) => api.list(...parameters),
    watch: (...parameters) => api.watch(...parameters),
    create: (...parameters) => api.create(...parameters),
    createSubresource: (...parameters) => api.createSubresource(...parameters),
    update: (...parameters) => api.update(...parameters),
    delete: (...parameters) => api.delete(...parameters),
    patch: async (target, ...parameters) => {
      if (failure && target.subresource === "status") throw failure();
      return await api.patch(target, ...parameters);
    },
  });
  await using world = await new JobWorld(wrap).start("edge-1");
  await world.prePull("pull", { nodeNames: ["edge-1"] });
  failure = () => new ApiError(failureStatus(500, "InternalError", "disk full"));
  assert.match(refusalOf(await world.report("edge-1", "pull", { action: "Check" })), /disk full.*ServiceUnavailable/);
  let conflicts = 0;
  failure = () => {
    if (++conflicts === 2) failure = undefined;
    return new ApiError(failureStatus(409, "Conflict", "somebody wrote"));
  };
  const reported = world.report("edge-1", "pull", { action: "Pull" });
  await world.cloud.clock.advance(1_000);
  assert.deepEqual(await reported, ["OK"]);
  assert.equal(await world.phases("pull"), "Successful, job Completed");
});

test("a node may read a job's Secret while it works on the job, no other Secret and not afterwards", async () => {
  await using world = await new JobWorld().start("edge-1", "edge-2");
  await world.cloud.create(secrets, { metadata: { name: "registry", namespace: "plant" }, data: {} });
  await world.prePull("pull", { nodeNames: ["edge-1", "edge-2"], imageSecrets: "plant/registry" });
  const { nodeObjects } = world.cloud.controllers;
  const mayRead = (node: string, name = "registry") => nodeObjects.mayReadSecret(node, { namespace: "plant", name });
  assert.deepEqual([mayRead("edge-1"), mayRead("edge-2"), mayRead("edge-1", "other")], [true, false, false]);
  await world.report("edge-1", "pull", { action: "Pull" });
  assert.deepEqual([mayRead("edge-1"), mayRead("edge-2")], [false, true]);
  await world.cloud.delete(imagePrePullJobs, "pull");
  assert.equal(mayRead("edge-2"), false);
});

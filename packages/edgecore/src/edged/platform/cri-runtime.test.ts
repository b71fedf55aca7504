import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { isSkerryError } from "@skerry/base";
import { CriRuntime } from "./cri-runtime.ts";
import * as cri from "./generated/cri.ts";
import { answer, FakeGrpcServer, refuse } from "./testing/fake-grpc-server.ts";

test("a call sends what the runtime expects and reads what it answers", async () => {
  let asked: cri.ListContainersRequest | undefined;
  const listed = cri.ListContainersResponse.encode({
    containers: [
      {
        id: "c1",
        podSandboxId: "s1",
        metadata: { name: "app", attempt: 2 },
        state: cri.ContainerState.CONTAINER_RUNNING,
        createdAt: 1_795_308_987_935_000_000n,
        imageRef: "sha256:1",
        labels: { a: "b" },
      },
    ],
  }).finish();
  await using server = await FakeGrpcServer.listen({
    ListContainers: (stream, request, headers) => {
      asked = cri.ListContainersRequest.decode(request);
      answer(listed)(stream, request, headers);
    },
  });
  await using runtime = new CriRuntime(`unix://${server.socketPath}`);
  const containers = await runtime.listContainers({ "io.kubernetes.pod.uid": "u1" });
  assert.deepEqual(asked?.filter?.labelSelector, { "io.kubernetes.pod.uid": "u1" });
  assert.deepEqual(containers, [
    {
      id: "c1",
      sandboxId: "s1",
      name: "app",
      attempt: 2,
      state: "running",
      createdAtMs: 1_795_308_987_935,
      imageId: "sha256:1",
      labels: { a: "b" },
      annotations: {},
    },
  ]);
});

test("what is already gone counts as stopped, other refusals are errors with the runtime's own words", async () => {
  await using server = await FakeGrpcServer.listen({
    StopContainer: refuse(5, "not found"),
    StartContainer: refuse(2, "exec format error: no such file"),
  });
  await using runtime = new CriRuntime(server.socketPath);
  await runtime.stopContainer("gone", 1);
  await assert.rejects(
    runtime.startContainer("c1"),
    (error) => isSkerryError(error, "RUNTIME_CALL_FAILED") && error.message === "exec format error: no such file",
  );
});

test("without a runtime the error says where it was looked for, and a later call finds it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-cri-"));
  await using runtime = new CriRuntime(join(folder, "missing"));
  await assert.rejects(
    runtime.version(),
    (error) => isSkerryError(error, "RUNTIME_UNAVAILABLE") && error.message.includes(folder),
  );
  await rm(folder, { recursive: true });
});

test("an aborted call ends at once with the reason", async () => {
  await using server = await FakeGrpcServer.listen({ PullImage: () => undefined });
  await using runtime = new CriRuntime(server.socketPath);
  const controller = new AbortController();
  const pulling = runtime.pullImage("app:1", undefined, controller.signal);
  controller.abort(new Error("no longer wanted"));
  await assert.rejects(pulling, /no longer wanted/);
});

test("a connection that ends in the middle of a call is an error, and the next call connects anew", async () => {
  let calls = 0;
  await using server = await FakeGrpcServer.listen({
    Version: (stream, request, headers) => {
      calls++;
      if (calls === 1) stream.session?.destroy();
      else
        answer(cri.VersionResponse.encode({ runtimeName: "fake", runtimeVersion: "v1.2.3" }).finish())(
          stream,
          request,
          headers,
        );
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  await assert.rejects(runtime.version(), (error) => isSkerryError(error, "RUNTIME_UNAVAILABLE"));
  assert.deepEqual(await runtime.version(), { name: "fake", version: "1.2.3" });
});

test("an answer larger than the limit is refused, not kept in memory", async () => {
  const chunk = Buffer.alloc(1024 * 1024);
  await using server = await FakeGrpcServer.listen({
    Version: (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      const more = (): void => {
        if (!stream.destroyed) stream.write(chunk, more);
      };
      more();
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  await assert.rejects(
    runtime.version(),
    (error) => isSkerryError(error, "RUNTIME_CALL_FAILED") && /larger than/.test(error.message),
  );
});

test("a signal goes to the process that the runtime names, one that names none is an error", async () => {
  const child = spawn("sleep", ["600"]);
  await once(child, "spawn");
  const status = (info: object): Uint8Array =>
    cri.ContainerStatusResponse.encode({ status: { id: "c1" }, info: { info: JSON.stringify(info) } }).finish();
  let told: object = { pid: child.pid };
  await using server = await FakeGrpcServer.listen({
    ContainerStatus: (stream, request, headers) => {
      assert.equal(cri.ContainerStatusRequest.decode(request).verbose, true);
      answer(status(told))(stream, request, headers);
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  const ended = once(child, "exit");
  await runtime.signalContainer("c1", "SIGUSR1");
  assert.deepEqual(await ended, [null, "SIGUSR1"]);
  for (const none of [{ pid: 0 }, { pid: "1" }, {}]) {
    told = none;
    await assert.rejects(runtime.signalContainer("c1", "SIGUSR1"), (error) =>
      isSkerryError(error, "EDGED_SIGNAL_FAILED"),
    );
  }
});

test("a runtime has the features that it says it has, and one that says nothing none", async () => {
  const silent = cri.StatusResponse.encode({ status: { conditions: [] } }).finish();
  const able = cri.StatusResponse.encode({
    runtimeHandlers: [
      { name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: true } },
      { name: "other" },
    ],
    features: { supplementalGroupsPolicy: true },
  }).finish();
  const handlers = [
    { name: "", recursiveReadOnlyMounts: true, userNamespaces: true },
    { name: "other", recursiveReadOnlyMounts: false, userNamespaces: false },
  ];
  for (const [message, features] of [
    [silent, { onlyTheseGroups: false, handlers: [] }],
    [able, { onlyTheseGroups: true, handlers }],
  ] as const) {
    await using server = await FakeGrpcServer.listen({ Status: answer(message) });
    await using runtime = new CriRuntime(server.socketPath);
    // Only the process runtime says what it cannot give.
    const processRuntime = { noWayOut: undefined, limits: undefined, noSeccomp: undefined, takesGroupFolders: false };
    assert.deepEqual(await runtime.features(), {
      ...features,
      ...processRuntime,
    });
  }
});

test("what the process runtime says that it cannot give is known", async () => {
  const lacking = ["Outbound", "MemoryLimits", "Seccomp"].map((type) => ({
    type: `skerry.io/${type}`,
    message: "none",
  }));
  const conditions = [...lacking, { type: "skerry.io/CpuLimits", status: true }];
  await using server = await FakeGrpcServer.listen({
    Status: answer(cri.StatusResponse.encode({ status: { conditions } }).finish()),
  });
  await using runtime = new CriRuntime(server.socketPath);
  const { noWayOut, limits, noSeccomp } = await runtime.features();
  assert.deepEqual(
    { noWayOut, limits, noSeccomp },
    {
      ...{ noWayOut: "none", limits: { cpu: true, memory: false }, noSeccomp: true },
    },
  );
});

test("pods' control groups are given by their folders to a containerd that makes them itself", async () => {
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    new BinaryWriter().tag(number, 2).bytes(bytes).finish();
  const text = (number: number, value: string): Uint8Array => new BinaryWriter().tag(number, 2).string(value).finish();
  for (const [config, takes] of [
    ['{"containerd":{"runtimes":{"runc":{"options":{"SystemdCgroup":false}}}}}', true],
    ['{"containerd":{"runtimes":{"runc":{"options":null}}}}', true],
    ['{"containerd":{"runtimes":{"runc":{"options":{"SystemdCgroup":true}}}}}', false],
    ['{"crio":{}}', false],
  ] as const) {
    await using server = await FakeGrpcServer.listen({
      Status: answer(field(2, Buffer.concat([text(1, "config"), text(2, config)]))),
    });
    await using runtime = new CriRuntime(server.socketPath);
    assert.equal((await runtime.features()).takesGroupFolders, takes, config);
  }
});

test("images are listed with what the runtime needs itself, also where it does not pin it", async () => {
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    new BinaryWriter().tag(number, 2).bytes(bytes).finish();
  const text = (number: number, value: string): Uint8Array => new BinaryWriter().tag(number, 2).string(value).finish();
  const image = (id: string, tag: string, pinned: boolean): Uint8Array =>
    field(
      1,
      Buffer.concat([
        text(1, id),
        text(2, tag),
        text(3, `${tag}@sha256:${id}`),
        new BinaryWriter().tag(4, 0).uint64(7).tag(8, 0).bool(pinned).finish(),
      ]),
    );
  const config = Buffer.concat([text(1, "config"), text(2, '{"sandboxImage":"registry.example/pause:1"}')]);
  const images = [image("a", "registry.example/pause:1", false), image("b", "b:1", true), image("c", "c:1", false)];
  await using server = await FakeGrpcServer.listen({
    Status: answer(field(2, config)),
    ListImages: answer(Buffer.concat(images)),
    ImageFsInfo: answer(
      field(1, Buffer.concat([new BinaryWriter().tag(1, 0).int64(1).finish(), field(2, text(1, "/images"))])),
    ),
  });
  await using runtime = new CriRuntime(server.socketPath);
  assert.deepEqual(
    (await runtime.listImages()).map(({ id, repoDigests, sizeBytes, pinned }) => [
      id,
      ...repoDigests,
      sizeBytes,
      pinned,
    ]),
    [
      ["a", "registry.example/pause:1@sha256:a", 7, true],
      ["b", "b:1@sha256:b", 7, true],
      ["c", "c:1@sha256:c", 7, false],
    ],
  );
  assert.equal(await runtime.imageFileSystemPath(), "/images");
});

test("each event of the runtime is heard until the caller ends the stream; one that has none says so", async () => {
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), Buffer.from([0x0a, 0x02, 0x63, 0x31])]);
  await using server = await FakeGrpcServer.listen({
    GetContainerEvents: (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      // Two in one piece, and one whose bytes come in two.
      stream.write(Buffer.concat([message, message, message.subarray(0, 6)]));
      setImmediate(() => stream.write(message.subarray(6)));
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  const enough = new AbortController();
  let heard = 0;
  const watching = runtime.watchContainers(() => {
    if (++heard === 3) enough.abort(new Error("enough"));
  }, enough.signal);
  await assert.rejects(watching, /enough/);
  assert.equal(heard, 3);

  // As containerd 1.6 answers.
  await using older = await FakeGrpcServer.listen({});
  await using olderRuntime = new CriRuntime(older.socketPath);
  await assert.rejects(
    olderRuntime.watchContainers(() => assert.fail(), new AbortController().signal),
    (error) => isSkerryError(error, "RUNTIME_CALL_FAILED") && error.details["grpcCode"] === 12,
  );
});

test("a runtime that ends while its events are heard is an error, and no silence", async () => {
  await using server = await FakeGrpcServer.listen({
    GetContainerEvents: (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      setImmediate(() => stream.session?.destroy());
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  await assert.rejects(
    runtime.watchContainers(() => assert.fail(), new AbortController().signal),
    (error) => isSkerryError(error, "RUNTIME_UNAVAILABLE"),
  );
});

test("what of images is on its way is asked of containerd's content service, and unknown where there is none", async () => {
  const status = new BinaryWriter()
    .tag(1, 2)
    .fork()
    .tag(1, 2)
    .fork()
    .tag(1, 0)
    .int64(7)
    .join()
    .tag(3, 2)
    .string("layer-sha256:1")
    .tag(4, 0)
    .int64(45_000_000)
    .tag(5, 0)
    .int64(5_000_000_000)
    .join()
    .finish();
  let namespace: unknown;
  await using server = await FakeGrpcServer.listen({
    ListStatuses: (stream, request, headers) => {
      namespace = headers["containerd-namespace"];
      answer(status)(stream, request, headers);
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  const part = { ref: "layer-sha256:1", receivedBytes: 45_000_000, totalBytes: 5_000_000_000 };
  assert.deepEqual(await runtime.incomingParts(), [part]);
  assert.equal(namespace, "k8s.io");
  await using other = await FakeGrpcServer.listen({});
  await using otherRuntime = new CriRuntime(other.socketPath);
  assert.equal(await otherRuntime.incomingParts(), undefined);
});

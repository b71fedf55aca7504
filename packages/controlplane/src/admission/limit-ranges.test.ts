import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const CORE = "/api/v1/namespaces/default";

async function started(...limits: object[]): Promise<TestApiServer> {
  const server = await startTestApiServer();
  await server.call("POST", `${CORE}/serviceaccounts`, { body: { metadata: { name: "default" } } });
  await server.call("POST", `${CORE}/limitranges`, { body: { metadata: { name: "l" }, spec: { limits } } });
  return server;
}

const makePod = (server: TestApiServer, ...containers: object[]): ReturnType<TestApiServer["call"]> =>
  server.call("POST", `${CORE}/pods`, {
    body: {
      metadata: { name: "p" },
      spec: { containers: containers.map((each, index) => ({ name: `c${index}`, image: "i", resources: each })) },
    },
  });

test("containers without requests and limits get those of the LimitRange, and the pod says so", async () => {
  await using server = await started({
    type: "Container",
    default: { cpu: "200m", memory: "64Mi" },
    defaultRequest: { cpu: "100m" },
  });
  const { body } = await makePod(server, {}, { requests: { cpu: "50m" }, limits: { memory: "1Gi" } });
  const { metadata, spec, status } = body as unknown as {
    metadata: { annotations: Record<string, string> };
    spec: { containers: { resources: object }[] };
    status: { qosClass: string };
  };
  assert.deepEqual(
    spec.containers.map(({ resources }) => resources),
    [
      { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "200m", memory: "64Mi" } },
      { requests: { cpu: "50m", memory: "1Gi" }, limits: { memory: "1Gi", cpu: "200m" } },
    ],
  );
  assert.equal(
    metadata.annotations["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; cpu limit for container c1",
  );
  assert.equal(status.qosClass, "Burstable");
});

test("what is beyond the bounds of a LimitRange is refused in Kubernetes' words", async () => {
  await using server = await started({ type: "Container", min: { cpu: "100m" }, max: { cpu: "1" } });
  const messageOf = async (...containers: object[]): Promise<unknown> =>
    (await makePod(server, ...containers)).body["message"];
  assert.equal(
    await messageOf({ requests: { cpu: "2" }, limits: { cpu: "2" } }),
    'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
  assert.equal(
    await messageOf({ requests: { cpu: "50m" }, limits: { cpu: "2" } }),
    'pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2]',
  );
  assert.equal((await makePod(server, { requests: { cpu: "200m" }, limits: { cpu: "1" } })).status, 201);
});

test("bounds of a whole pod hold for its containers together", async () => {
  await using server = await started({
    type: "Pod",
    max: { memory: "1Gi" },
    maxLimitRequestRatio: { memory: "2" },
  });
  const container = { requests: { memory: "300Mi" }, limits: { memory: "600Mi" } };
  assert.equal(
    (await makePod(server, container, container)).body["message"],
    'pods "p" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1200Mi',
  );
  assert.equal(
    (await makePod(server, { requests: { memory: "100Mi" }, limits: { memory: "600Mi" } })).body["message"],
    'pods "p" is forbidden: memory max limit to request ratio per Pod is 2, but provided ratio is 6.000000',
  );
  assert.equal(
    (await makePod(server, {})).body["message"],
    'pods "p" is forbidden: [maximum memory usage per Pod is 1Gi.  No limit is specified, memory max limit to request ratio per Pod is 2, but no request is specified or request is 0]',
  );
  assert.equal((await makePod(server, container)).status, 201);
});

test("claims keep to the bounds of a LimitRange too", async () => {
  await using server = await started({
    type: "PersistentVolumeClaim",
    min: { storage: "1Gi" },
    max: { storage: "2Gi" },
  });
  const make = (storage: string): ReturnType<TestApiServer["call"]> =>
    server.call("POST", `${CORE}/persistentvolumeclaims`, {
      body: {
        metadata: { name: "c" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
      },
    });
  assert.equal(
    (await make("3Gi")).body["message"],
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  assert.equal(
    (await make("512Mi")).body["message"],
    'persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi',
  );
  assert.equal((await make("2Gi")).status, 201);
});

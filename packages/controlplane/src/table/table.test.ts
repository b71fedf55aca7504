import assert from "node:assert/strict";
import { test } from "node:test";
import { humanDuration, type JsonObject } from "@skerry/base";
import { serviceColumns } from "./columns.ts";
import { podReadyOf, podReasonOf, podRestartsOf } from "./pod-summary.ts";
import { storageClassColumns } from "./policy-columns.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("ages read as kubectl writes them", () => {
  const cases: [number, string][] = [
    [-5 * SECOND, "<invalid>"],
    [0, "0s"],
    [119 * SECOND, "119s"],
    [2 * MINUTE, "2m"],
    [9 * MINUTE + 59 * SECOND, "9m59s"],
    [10 * MINUTE + 30 * SECOND, "10m"],
    [179 * MINUTE, "179m"],
    [3 * HOUR + 5 * MINUTE, "3h5m"],
    [8 * HOUR + 5 * MINUTE, "8h"],
    [47 * HOUR, "47h"],
    [2 * DAY + 3 * HOUR, "2d3h"],
    [8 * DAY + 3 * HOUR, "8d"],
    [729 * DAY, "729d"],
    [800 * DAY, "2y70d"],
  ];
  for (const [durationMs, text] of cases) assert.equal(humanDuration(durationMs), text);
});

test("the STATUS of a pod is its most telling state", () => {
  const running = { ready: true, state: { running: {} } };
  const crashed = { ready: false, restartCount: 4, state: { waiting: { reason: "CrashLoopBackOff" } } };
  const status = (more: object, metadata: object = {}, spec: object = {}) =>
    podReasonOf({ metadata: { ...metadata }, spec: { ...spec }, status: { phase: "Running", ...more } });
  assert.equal(status({ phase: "Pending" }), "Pending");
  assert.equal(status({ containerStatuses: [running] }), "Running");
  assert.equal(status({ containerStatuses: [running, crashed] }), "CrashLoopBackOff");
  assert.equal(
    status({ containerStatuses: [{ state: { terminated: { exitCode: 0, reason: "Completed" } } }] }),
    "Completed",
  );
  assert.equal(status({ containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }), "ExitCode:3");
  assert.equal(status({ containerStatuses: [running] }, { deletionTimestamp: "2026-01-01T00:00:00Z" }), "Terminating");
  assert.equal(status({ reason: "Evicted", phase: "Failed" }), "Evicted");
  assert.equal(
    status({ initContainerStatuses: [{ state: { running: {} } }] }, {}, { initContainers: [{}, {}] }),
    "Init:0/2",
  );
});

test("once a pod is initialized its containers say more than a sidecar that ended badly", () => {
  const terminated = (exitCode: number, reason: string): JsonObject => ({
    state: { terminated: { exitCode, reason } },
  });
  const pod = (initialized: string): JsonObject => ({
    metadata: {},
    spec: { initContainers: [{ name: "proxy", restartPolicy: "Always" }] },
    status: {
      phase: "Succeeded",
      conditions: [{ type: "Initialized", status: initialized }],
      initContainerStatuses: [{ name: "proxy", restartCount: 1, ...terminated(2, "Error") }],
      containerStatuses: [{ name: "job", restartCount: 2, ...terminated(0, "Completed") }],
    },
  });
  assert.equal(podReasonOf(pod("True")), "Completed");
  assert.equal(podRestartsOf(pod("True"), 0), "3");
  assert.equal(podReasonOf(pod("False")), "Init:Error");
  assert.equal(podRestartsOf(pod("False"), 0), "1");
});

test("EXTERNAL-IP of a service is what leads to it from outside, pending while a load balancer has not said", () => {
  const shown = (spec: JsonObject, ingress: JsonObject[] = []): unknown =>
    serviceColumns
      .find(({ name }) => name === "External-IP")
      ?.cell({ metadata: { name: "web" }, spec, status: { loadBalancer: { ingress } } }, 0);
  const externalIPs = ["192.0.2.1", "192.0.2.2"];
  assert.equal(shown({ type: "ClusterIP" }), "<none>");
  assert.equal(shown({ type: "NodePort", externalIPs }), "192.0.2.1,192.0.2.2");
  assert.equal(shown({ type: "LoadBalancer" }), "<pending>");
  assert.equal(shown({ type: "LoadBalancer" }, [{ ip: "9.9.9.9" }]), "9.9.9.9");
  assert.equal(
    shown({ type: "LoadBalancer", externalIPs }, [{ hostname: "b" }, { ip: "9.9.9.9" }]),
    "9.9.9.9,b,192.0.2.1,192.0.2.2",
  );
  assert.equal(shown({ type: "LoadBalancer", externalIPs }), "192.0.2.1,192.0.2.2");
  assert.equal(shown({ type: "ExternalName", externalName: "example.com" }), "example.com");
});

test("RESTARTS tells how often and when last", () => {
  const pod = {
    status: {
      containerStatuses: [{ restartCount: 2, lastState: { terminated: { finishedAt: "2026-01-01T00:00:00Z" } } }],
    },
  };
  assert.equal(podRestartsOf(pod, Date.parse("2026-01-01T00:05:00Z")), "2 (5m ago)");
  assert.equal(podRestartsOf({ status: {} }, 0), "0");
});

test("the default storage class is told as such, whichever annotation makes it", () => {
  const named = (annotations: object): unknown =>
    storageClassColumns[0]?.cell({ metadata: { name: "fast", annotations: { ...annotations } } }, 0);
  assert.equal(named({}), "fast");
  assert.equal(named({ "storageclass.kubernetes.io/is-default-class": "false" }), "fast");
  assert.equal(named({ "storageclass.kubernetes.io/is-default-class": "true" }), "fast (default)");
  assert.equal(named({ "storageclass.beta.kubernetes.io/is-default-class": "true" }), "fast (default)");
});

test("READY and RESTARTS count sidecars, and other init containers' restarts only while they run", () => {
  const spec = {
    initContainers: [{ name: "once" }, { name: "proxy", restartPolicy: "Always" }],
    containers: [{ name: "web" }],
  };
  const proxy = { name: "proxy", ready: true, started: true, restartCount: 2, state: { running: {} } };
  const web = { name: "web", ready: true, restartCount: 1, state: { running: {} } };
  const pod = (once: JsonObject, containerStatuses: JsonObject[]): JsonObject => ({
    spec,
    status: { initContainerStatuses: [{ name: "once", restartCount: 3, ...once }, proxy], containerStatuses },
  });
  const done = { state: { terminated: { exitCode: 0 } } };
  assert.equal(podReadyOf(pod(done, [web])), "2/2");
  assert.equal(podReadyOf(pod(done, [{ ...web, ready: false }])), "1/2");
  assert.equal(podReadyOf({ spec, status: {} }), "0/2");
  assert.equal(podRestartsOf(pod(done, [web]), 0), "3");
  const failing = { state: { terminated: { exitCode: 1 } } };
  assert.equal(podRestartsOf(pod(failing, [{ ...web, restartCount: 0 }]), 0), "5");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpFamily, Service } from "@skerry/api";
import { type LocalPod, localServices, MAX_SERVICES } from "./local-services.ts";
import { localPod, service } from "./testing/service-objects.ts";

const web: Service["spec"] = {
  clusterIP: "10.96.3.4",
  selector: { app: "web" },
  ports: [{ port: 80, targetPort: 8080 }],
};

function endpoints(spec: Service["spec"], pods: readonly LocalPod[], name = "web"): string[] {
  const [found] = localServices([service(name, spec)], pods, "cluster.local");
  return found && found.kind !== "external" ? found.endpoints.flatMap(({ addresses }) => addresses) : [];
}

function targets(spec: Service["spec"], pods: readonly LocalPod[]): string[] {
  const [found] = localServices([service("web", spec)], pods, "cluster.local");
  if (!found || found.kind === "external") return [];
  return found.ports.flatMap((port) =>
    port.targets.map((target) => `${port.protocol} ${port.port} ${target.endpoint.addresses}:${target.port}`),
  );
}

test("a Service leads to the ready pods that it selects in its namespace", () => {
  const other = localPod("web-3", "10.244.1.4");
  const elsewhere = { ...other, pod: { ...other.pod, metadata: { ...other.pod.metadata, namespace: "else" } } };
  const pods = [localPod("web-1", "10.244.1.2"), localPod("db-1", "10.244.1.3"), elsewhere];
  assert.deepEqual(endpoints(web, pods), ["10.244.1.2"]);
  assert.deepEqual(targets(web, pods), ["TCP 80 10.244.1.2:8080"]);
});

test("pods that are not ready, over, being deleted or without an address are no endpoints", () => {
  const ready = localPod("web-1", "10.244.1.2");
  const metadata = { ...ready.pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  const pods: LocalPod[] = [
    localPod("web-2", "10.244.1.3", {}, false),
    { ...ready, status: { ...ready.status, phase: "Succeeded" } },
    { ...ready, pod: { ...ready.pod, metadata } },
    { ...ready, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
    localPod("web-4", "127.64.0.1"),
    localPod("web-5", "no address; -j ACCEPT"),
  ];
  assert.deepEqual(endpoints(web, pods), []);
  assert.deepEqual(endpoints({ ...web, publishNotReadyAddresses: true }, pods), ["10.244.1.3"]);
});

test("a Service without a selector has no pods of this node", () => {
  assert.deepEqual(endpoints({ clusterIP: "10.96.3.4", ports: [{ port: 80 }] }, [localPod("web-1", "10.244.1.2")]), []);
});

test("a port may be named, and be another one in each pod", () => {
  const renamed = localPod("web-2", "10.244.1.3", {
    containers: [{ name: "app", ports: [{ name: "http", containerPort: 9090 }] }],
  });
  const without = localPod("web-3", "10.244.1.4", { containers: [{ name: "app" }] });
  const spec = { ...web, ports: [{ port: 80, targetPort: "http" }] };
  assert.deepEqual(targets(spec, [localPod("web-1", "10.244.1.2"), renamed, without]), [
    "TCP 80 10.244.1.2:8080",
    "TCP 80 10.244.1.3:9090",
  ]);
});

test("a pod is known by name below the headless Service that it names as its subdomain", () => {
  const spec = { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] };
  const named = localPod("db-0", "10.244.1.2", { hostname: "db-0", subdomain: "db" });
  const other = localPod("db-1", "10.244.1.3", { hostname: "db-1", subdomain: "else" });
  const [found] = localServices([service("db", spec)], [named, other], "cluster.local");
  assert.deepEqual(found?.kind === "headless" && found.endpoints, [
    { addresses: ["10.244.1.2"], hostname: "db-0" },
    { addresses: ["10.244.1.3"], hostname: undefined },
  ]);
});

test("of too many Services the first by name are served; what is no address is no cluster address", () => {
  const many = Array.from({ length: MAX_SERVICES + 5 }, (_, index) => service(`s${10_000 + index}`, web));
  const found = localServices([...many].reverse(), [], "cluster.local");
  assert.deepEqual([found.length, found[0]?.name], [MAX_SERVICES, "s10000"]);
  assert.deepEqual(localServices([service("web", { ...web, clusterIP: "10.96.3.4 -j DROP" })], [], "x"), []);
});

test("a Service leads only to addresses of its own families", () => {
  const both = localPod("web-1", "10.244.1.2");
  both.status.podIPs?.push({ ip: "fd00:7::2" });
  const addressesOf = (families: IpFamily[] | undefined, clusterIP = "None"): (readonly string[])[] => {
    const spec: Service["spec"] = { clusterIP, selector: { app: "web" }, ports: [{ port: 80 }] };
    const [found] = localServices(
      [service("web", families ? { ...spec, ipFamilies: families } : spec)],
      [both, localPod("web-2", "10.244.1.3")],
      "cluster.local",
    );
    return found && found.kind !== "external" ? found.endpoints.map(({ addresses }) => addresses) : [];
  };
  assert.deepEqual(addressesOf(["IPv4"]), [["10.244.1.2"], ["10.244.1.3"]]);
  assert.deepEqual(addressesOf(["IPv6"]), [["fd00:7::2"]]);
  assert.deepEqual(addressesOf(["IPv4", "IPv6"]), [["10.244.1.2", "fd00:7::2"], ["10.244.1.3"]]);
  assert.deepEqual(addressesOf(undefined), [["10.244.1.2", "fd00:7::2"], ["10.244.1.3"]]);
  assert.deepEqual(addressesOf(["IPv6"], "10.96.1.1"), [["10.244.1.2"], ["10.244.1.3"]], "its address counts more");
});

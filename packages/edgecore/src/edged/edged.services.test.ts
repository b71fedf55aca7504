import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "@skerry/api";
import { EdgedWorld } from "./testing/edged-world.ts";

const NAME_FILE = "/edged/pods/uid-web/etc-resolv.conf";

async function nameFile(world: EdgedWorld): Promise<string> {
  return new TextDecoder().decode(await world.files.readFile(NAME_FILE, 4096));
}

async function withHostServers(world: EdgedWorld): Promise<void> {
  await world.files.makeDirectory("/etc", 0o755);
  await world.files.writeFile("/etc/resolv.conf", new TextEncoder().encode("nameserver 192.0.2.1\n"), 0o644);
}

test("a running pod asks the node's name server from the first Service on", async () => {
  let server: string | undefined;
  await using world = new EdgedWorld({ names: { serverFor: async () => server } });
  await withHostServers(world);
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(3000);
  assert.equal(await nameFile(world), "nameserver 192.0.2.1\n");
  server = "10.244.1.1";
  world.edged.forServices.namesChanged();
  await world.pass(1000);
  assert.equal(
    await nameFile(world),
    "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.244.1.1\noptions ndots:5\n",
  );
});

test("pods with another DNS policy, on the host's network or with cluster DNS of the configuration have no such file", async () => {
  const names = { serverFor: async () => "10.244.1.1" };
  for (const [spec, clusterDns] of [
    [{ dnsPolicy: "Default" }, []],
    [{ hostNetwork: true }, []],
    [{}, ["169.254.96.16"]],
  ] as const) {
    await using world = new EdgedWorld({ names, config: { clusterDns } });
    await withHostServers(world);
    await world.start();
    await world.put("pod", world.pod("web", spec));
    await world.pass(3000);
    assert.equal(world.runtime.running().length, 1);
    assert.equal(await world.files.readFile(NAME_FILE, 4096), undefined);
  }
});

test("a pod is told when its name servers are cut, and when nothing answers the cluster's names for it", async () => {
  await using world = new EdgedWorld();
  await withHostServers(world);
  await world.start();
  const nameservers = ["192.0.2.2", "192.0.2.3", "192.0.2.4"];
  await world.put("pod", world.pod("many", { dnsConfig: { nameservers } }));
  await world.put("pod", world.pod("host", { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }));
  await world.put("pod", world.pod("plain"));
  await world.pass(3000);
  const told = (name: string): readonly unknown[] =>
    world.cloud.eventReasons(name).filter((reason) => /DNS/.test(String(reason)));
  assert.deepEqual([told("many"), told("host"), told("plain")], [["DNSConfigForming"], ["MissingClusterDNS"], []]);
});

test("who serves Services hears of a pod's state, also after a restart before it was looked at", async () => {
  await using world = new EdgedWorld();
  await world.start();
  let changes = 0;
  using _listening = world.edged.forServices.onPodsChanged(() => changes++);
  await world.put("pod", world.pod("web"));
  await world.pass(3000);
  assert.ok(changes > 0);
  const ready = (): unknown =>
    world.edged.forServices
      .pods()
      .map(({ pod, status }) => [pod.metadata.name, status.conditions?.find(({ type }) => type === "Ready")?.status]);
  assert.deepEqual(ready(), [["web", "True"]]);
  await world.restart();
  assert.deepEqual(ready(), [["web", "True"]]);
});

test("a container has the variables of its namespace's Services, and may use them in its own", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const metadata = { name: "db", namespace: "default", uid: "db", resourceVersion: "1" };
  const spec = { clusterIP: "10.96.3.4", ports: [{ port: 5432 }] };
  const service: Service = { apiVersion: "v1", kind: "Service", metadata, spec };
  await world.put("service", service);
  const app = { name: "app", image: "app:1", env: [{ name: "URL", value: "db://$(DB_SERVICE_HOST)" }] };
  await world.put("pod", world.pod("web", { containers: [app] }));
  await world.pass(3000);
  const [running] = world.runtime.running();
  assert.ok(running);
  const { environment = [] } = world.runtime.configOf(running.id) ?? {};
  const textOf = (wanted: string): string | undefined => environment.find(({ name }) => name === wanted)?.value;
  assert.deepEqual([textOf("DB_SERVICE_PORT"), textOf("URL")], ["5432", "db://10.96.3.4"]);
});

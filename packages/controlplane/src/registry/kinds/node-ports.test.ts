import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

const SERVICES = "/api/v1/namespaces/default/services";

interface Answer {
  readonly message?: string;
  readonly spec?: { readonly ports: readonly { readonly port: number; readonly nodePort?: number }[] };
}

async function make(server: TestApiServer, name: string, spec: object): Promise<Answer> {
  return (await server.call("POST", SERVICES, { body: { metadata: { name }, spec } })).body;
}

async function change(server: TestApiServer, name: string, spec: object): Promise<Answer> {
  const contentType = "application/merge-patch+json";
  return (await server.call("PATCH", `${SERVICES}/${name}`, { body: { spec }, contentType })).body;
}

const portsOf = ({ spec, message }: Answer): (number | undefined)[] => {
  assert.ok(spec, message);
  return spec.ports.map(({ nodePort }) => nodePort);
};

test("a NodePort Service has a port of the nodes for each of its ports, and keeps them", async () => {
  await using server = await startTestApiServer();
  const ports = [
    { name: "a", port: 80 },
    { name: "b", port: 81, nodePort: 30_081 },
  ];
  const [first, second] = portsOf(await make(server, "web", { type: "NodePort", ports }));
  assert.ok(first !== undefined && first >= 30_000 && first <= 32_767);
  assert.equal(second, 30_081);
  const more = [...ports.map(({ name, port }) => ({ name, port })), { name: "c", port: 82 }];
  const later = portsOf(await change(server, "web", { ports: more }));
  assert.deepEqual(later.slice(0, 2), [first, second]);
  assert.ok(later[2] !== undefined && !later.slice(0, 2).includes(later[2]));
  assert.deepEqual(portsOf(await change(server, "web", { type: "LoadBalancer" })), later);
  assert.deepEqual(portsOf(await change(server, "web", { type: "ClusterIP" })), [undefined, undefined, undefined]);
});

test("a port of the nodes belongs to one Service, and only to those that have such", async () => {
  await using server = await startTestApiServer();
  const ports = [{ port: 80, nodePort: 30_080 }];
  await make(server, "one", { type: "NodePort", ports });
  const refused = async (spec: object): Promise<string> =>
    String((await make(server, "two", spec)).message).replace(/^Service "two" is invalid: /, "");
  const at = "spec.ports[0].nodePort";
  assert.equal(
    await refused({ type: "NodePort", ports }),
    `${at}: Invalid value: 30080: provided port is already allocated`,
  );
  assert.equal(
    await refused({ type: "NodePort", ports: [{ port: 80, nodePort: 80 }] }),
    `${at}: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767`,
  );
  assert.equal(await refused({ ports }), `${at}: Forbidden: may not be used when \`type\` is 'ClusterIP'`);
  const other = [{ port: 80, protocol: "UDP", nodePort: 30_080 }];
  assert.deepEqual(portsOf(await make(server, "udp", { type: "NodePort", ports: other })), [30_080]);
  const without = { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] };
  assert.deepEqual(portsOf(await make(server, "lb", without)), [undefined]);
});

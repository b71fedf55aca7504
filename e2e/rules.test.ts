// Rules: between HTTP in the cloud and MQTT topics and HTTP services at the edge, all four ways, over a cut.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import { connectAsync, type MqttClient } from "mqtt";
import { freePorts } from "./support/free-ports.ts";
import { Installation } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";

suite("rules", { concurrency: false }, () => {
  let skerry: Installation;
  let mqtt: MqttClient;
  let service: Server;
  let routerPort = 0;
  let serviceBusPort = 0;
  /** What the service was sent; it stands for one at the edge and for one in the cloud. */
  const served: string[] = [];
  const published: string[] = [];

  before(async () => {
    [routerPort = 0, serviceBusPort = 0] = await freePorts(2);
    skerry = await Installation.create("rules");
    await skerry.up("--router-port", String(routerPort), "--service-bus-port", String(serviceBusPort));
    service = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      served.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(202).end(`served ${body}`);
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    mqtt = await connectAsync(`mqtt://127.0.0.1:${skerry.ports.mqtt}`);
    mqtt.on("message", (topic, payload) => published.push(`${topic} ${payload}`));
    await mqtt.subscribeAsync("shop/#");
    const applied = await skerry.kubectlWith(manifests((service.address() as AddressInfo).port), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
  });

  after(async () => {
    await mqtt?.endAsync(true);
    service?.closeAllConnections();
    await new Promise((resolve) => service?.close(resolve));
    await skerry.dispose();
  });

  async function request(path: string, body: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${routerPort}/${NODE}/default${path}`, { method: "POST", body });
    return `${response.status} ${(await response.text()).trim()}`;
  }

  test("an HTTP request in the cloud calls a service at the edge, and gets its answer", async () => {
    await waitUntil("the rule is followed", async () => !(await request("/call/x", "0")).startsWith("404"));
    assert.equal(await request("/call/y?a=1", "1"), "202 served 1");
    assert.ok(served.includes("POST /api/y?a=1 1"), served.join("\n"));
  });

  test("an HTTP request in the cloud becomes an MQTT message at the edge", async () => {
    assert.equal(await request("/tell/line", "hello"), "200 message delivered");
    await waitUntil("the message is published", async () => published.includes("shop/floor/line hello"));
  });

  test("an MQTT message at the edge is posted to a service in the cloud, also after a cut", async () => {
    const arrives = (value: string) =>
      waitUntil(`${value} is posted`, async () => {
        await mqtt.publishAsync("default/level/tank", value, { qos: 1 }); // Not kept while the link is down.
        return served.includes(`POST /in ${value}`);
      });
    await arrives("21");
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    await arrives("22");
  });

  test("an application at the edge calls a service in the cloud, and gets its answer", async () => {
    const body = JSON.stringify({ method: "POST", targetURL: "http://stock", payload: 7 });
    const answer = await waitUntil("the cloud answers", async () => {
      const response = await fetch(`http://127.0.0.1:${serviceBusPort}/`, { method: "POST", body });
      const parsed = (await response.json()) as { code: number; body: string };
      return parsed.code === 200 && parsed;
    });
    assert.equal(answer.body, `served ${body}`);
  });

  test("each rule's status counts what went through it", async () => {
    for (const name of ["call", "tell", "level", "ask"])
      await waitUntil(`rule ${name} counts`, async () => (await skerry.get("rule", name)).status?.successMessages > 0);
  });
});

function manifests(port: number): string {
  const endpoint = (name: string, spec: object): object => ({
    apiVersion: "rules.kubeedge.io/v1",
    kind: "RuleEndpoint",
    metadata: { name },
    spec,
  });
  const rule = (name: string, source: string, sourceResource: object, target: string, targetResource: object) => ({
    apiVersion: "rules.kubeedge.io/v1",
    kind: "Rule",
    metadata: { name },
    spec: { source, sourceResource, target, targetResource },
  });
  const url = { resource: `http://127.0.0.1:${port}/in` };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      rule("call", "rest", { path: "/call" }, "service", { path: "/api" }),
      rule("tell", "rest", { path: "/tell" }, "bus", { topic: "shop/floor" }),
      rule("level", "bus", { topic: "level/+", node_name: NODE }, "rest", url),
      rule("ask", "service", { target_url: "http://stock", node_name: NODE }, "rest", url),
      endpoint("rest", { ruleEndpointType: "rest" }),
      endpoint("bus", { ruleEndpointType: "eventbus" }),
      endpoint("service", { ruleEndpointType: "servicebus", properties: { service_port: String(port) } }),
    ],
  });
}

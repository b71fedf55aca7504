// How a kube-apiserver and a metrics-server of a Kubernetes of one's own get to edge nodes (docs/streams.md).
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { test } from "node:test";
import { defaultCloudCoreConfig, type Node, nodes, type Pod, pods } from "@skerry/api";
import { type JsonObject, silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { encodeMessage, newMessage } from "@skerry/link";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { encodeResponseHead, Multiplexer } from "@skerry/streams";
import { SecuredCloud } from "./testing/secured-cloud.ts";

const defaults = defaultCloudCoreConfig();
const NODES = ["edge-1", "edge-2"] as const;

/** A CloudCore whose nodes have names in a domain, and both nodes' sessions and tunnels. */
class LedCluster implements AsyncDisposable {
  readonly cloud: SecuredCloud;
  readonly #stack = new AsyncDisposableStack();

  private constructor(cloud: SecuredCloud) {
    this.cloud = this.#stack.use(cloud);
  }

  static async start(): Promise<LedCluster> {
    const cloud = await SecuredCloud.start({
      config: {
        ...defaults,
        advertiseAddresses: ["127.0.0.1"],
        credentialFiles: { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" },
        cloudStream: { ...defaults.cloudStream, enabled: true, kubeletDomain: "edge.example.com" },
        telemetry: { kind: "none" },
      },
    });
    const cluster = new LedCluster(cloud);
    for (const name of NODES) await cluster.#join(name);
    return cluster;
  }

  /** The node registers, reports its status as the kubelet does, and serves what is asked with its own name. */
  async #join(name: string): Promise<void> {
    const pair = await this.cloud.certificate(name);
    const session = await this.cloud.dial(pair, name);
    this.#stack.defer(() => session.close(1000, ""));
    const answers = new Set<string>();
    let answered = Promise.withResolvers<void>();
    session.start({
      onFrame: (text) => {
        answers.add(String((JSON.parse(text) as { header?: { parent_msg_id?: string } }).header?.parent_msg_id));
        answered.resolve();
      },
      onClose: ({ reason }) => answered.reject(new Error(reason)),
    });
    const status: JsonObject = {
      addresses: [
        { type: "InternalIP", address: "192.168.1.7" },
        { type: "Hostname", address: name },
        { type: "InternalDNS", address: "elsewhere.example.net" },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_350 } },
    };
    const tell = async (operation: string, resource: string, content: JsonObject | string): Promise<void> => {
      const message = newMessage({ clock, random }, { source: "edged", group: "meta", operation, resource }, content);
      session.send(encodeMessage(message));
      while (!answers.has(message.header.msg_id)) {
        answered = Promise.withResolvers();
        await answered.promise;
      }
    };
    await tell("insert", `null/node/${name}`, { apiVersion: "v1", kind: "Node", metadata: { name }, status });
    await tell("patch", `null/nodepatch/${name}`, JSON.stringify({ status }));
    const connection = await this.cloud.dialTunnel(pair, name);
    const serve: ConstructorParameters<typeof Multiplexer>[0]["serve"] = async ({ path }, stream) => {
      await stream.write(encodeResponseHead(200, "OK", { "content-type": "text/plain" }));
      await stream.write(new TextEncoder().encode(`${name} ${path}`));
    };
    const tunnel = new Multiplexer({ connection, clock, logger: silentLogger, serve });
    tunnel.start();
    this.#stack.defer(() => tunnel.close("the test ends"));
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `on-${name}`, namespace: "default" },
      spec: { nodeName: name, containers: [{ name: "app", image: "app" }] },
    };
    await this.cloud.api.create<Pod>({ resource: pods, namespace: "default" }, pod);
  }

  /** Asks as an API server does that prefers InternalDNS and checks the certificate; DNS leads all names to CloudCore. */
  async ask(nodeName: string, path: string): Promise<string> {
    const node = await this.cloud.api.get<Node>({ resource: nodes, name: nodeName });
    const host = node.status?.addresses?.find(({ type }) => type === "InternalDNS")?.address ?? assert.fail("no name");
    const port = node.status?.daemonEndpoints?.kubeletEndpoint.Port;
    assert.equal(port, 10_003, "the port of the configuration; this CloudCore listens on a free one");
    const client = await systemPki.issueCertificate(this.cloud.clusterAuthority, {
      commonName: "kube-apiserver-kubelet-client",
      usages: ["clientAuth"],
      validity: { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 },
    });
    const pem = keyedCertificatePem(client);
    const outgoing = request({
      host,
      servername: host,
      headers: { host: `${host}:${port}` },
      port: this.cloud.core.kubeletPort,
      lookup: (_name, { all }, found) =>
        all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4),
      path,
      agent: false,
      ca: certificatePem(this.cloud.authority.certificateDer),
      cert: pem.certificatePem,
      key: pem.privateKeyPem,
    });
    outgoing.end();
    const [response] = await once(outgoing, "response");
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return `${response.statusCode} ${text}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

test("a Kubernetes of one's own finds each node's kubelet at CloudCore by the node's name, with TLS verified", async () => {
  await using cluster = await LedCluster.start();
  for (const name of NODES) {
    assert.equal(await cluster.ask(name, "/stats/summary"), `200 ${name} /stats/summary`);
    assert.equal(await cluster.ask(name, "/metrics/resource"), `200 ${name} /metrics/resource`);
  }
  const path = "/containerLogs/default/on-edge-2/app";
  assert.equal(await cluster.ask("edge-1", path), `200 edge-2 ${path}`, "a pod's path goes by the pod");
  const { status } = await cluster.cloud.api.get<Node>({ resource: nodes, name: "edge-1" });
  const expected = [
    { type: "InternalIP", address: "192.168.1.7" },
    { type: "Hostname", address: "edge-1" },
    { type: "InternalDNS", address: "edge-1.edge.example.com" },
  ];
  assert.deepEqual(status?.addresses, expected, "the node's own addresses stay, and it names no other host");
});

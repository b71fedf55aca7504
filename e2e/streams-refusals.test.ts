// Who is not the API server is refused on the ports of streams, and who floods them is cut off; the others go on.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { Installation } from "./support/installation.ts";
import { streamsPod } from "./support/stream-commands.ts";

const NODE = "edge-node-1";
describe("hostile users of streams", () => {
  let skerry: Installation;
  let credentials: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

  before(async () => {
    skerry = await Installation.create("hostile");
    await skerry.up("--no-examples");
    const applied = await skerry.kubectlWith(JSON.stringify(streamsPod("talk")), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/talk", "--timeout=120s");
    const config = new KubeConfig();
    config.loadFromFile(skerry.kubeconfig);
    const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
    const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64");
    credentials = { ca: bytes(cluster?.caData), cert: bytes(user?.certData), key: bytes(user?.keyData) };
  });
  after(() => skerry.dispose());

  test("port 10003 serves the API server only: not the administrator, not a node, not whoever has no certificate", async () => {
    const path = "/containerLogs/default/talk/counts";
    const port = skerry.ports.stream;
    assert.deepEqual(await askPort(port, path, credentials), { status: 403 });
    assert.deepEqual(await askPort(port, path, undefined), { status: 0 });
    const folder = `${skerry.home}/${NODE}`;
    const node = nodeCredentials(folder);
    assert.deepEqual(await askPort(port, path, node), { status: 0 });
    assert.deepEqual(await askPort(port, path, apiServerCredentials(skerry.home)), { status: 200 });
  });

  test("endless headers end the connection, whoever sends them", async () => {
    for (const [port, pair] of [
      [skerry.ports.stream, apiServerCredentials(skerry.home)],
      [skerry.ports.hub, nodeCredentials(`${skerry.home}/${NODE}`)],
      [skerry.ports.api, credentials],
    ] as const) {
      const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...pair });
      socket.on("error", () => socket.destroy());
      socket.resume();
      await once(socket, "secureConnect");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.write("GET /version HTTP/1.1\r\nHost: x\r\n");
      const flood = setInterval(() => socket.write(`x-more: ${"y".repeat(4096)}\r\n`), 1);
      await closed;
      clearInterval(flood);
    }
    assert.match(await skerry.kubectlOk("logs", "talk", "-c", "counts", "--tail=1"), /^line \d+\n$/);
  });
});

type Pair = { readonly cert: Buffer; readonly key: Buffer };

function apiServerCredentials(home: string): Pair {
  const file = `${home}/controlplane/pki/apiserver-kubelet-client`;
  return { cert: readFileSync(`${file}.crt`), key: readFileSync(`${file}.key`) };
}

/** The certificate that a node has got. */
function nodeCredentials(folder: string): Pair {
  return {
    cert: readFileSync(`${folder}/certificates/server.crt`),
    key: readFileSync(`${folder}/certificates/server.key`),
  };
}

/** What a port answers; status 0: it refused the connection. */
function askPort(port: number, path: string, pair: Pair | undefined): Promise<{ readonly status: number }> {
  const { cert, key } = pair ?? {};
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false };
    const outgoing = request({ ...options, ...(cert && key ? { cert, key } : {}) });
    outgoing.on("error", () => resolve({ status: 0 }));
    outgoing.on("response", (response) => {
      resolve({ status: response.statusCode ?? 0 });
      response.destroy();
    });
    outgoing.end();
  });
}

// Who floods, stalls or lies on the ports of streams is refused or held up; the others go on.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { freePorts } from "./support/free-ports.ts";
import { Installation } from "./support/installation.ts";
import { streamsPod } from "./support/stream-commands.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const EXECS = 1_000;
/** Of a node, as docs/streams.md says. */
const STREAMS_OF_NODE = 64;
const WINDOW_BYTES = 256 * 1024;
const STALLED_READERS = 8;

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

describe("hostile users of streams", { concurrency: false }, () => {
  let skerry: Installation;
  let administrator: Pair;
  let metricsPort = 0;

  before(async () => {
    skerry = await Installation.create("hostile");
    [metricsPort = 0] = await freePorts(1);
    await skerry.up("--no-examples", "--metrics-port", String(metricsPort));
    await run("talk");
    const config = new KubeConfig();
    config.loadFromFile(skerry.kubeconfig);
    const user = config.getCurrentUser();
    const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64");
    administrator = { cert: bytes(user?.certData), key: bytes(user?.keyData) };
  });
  after(() => skerry.dispose());

  /** Runs a pod; its container `counts` has another command than counting if one is given. */
  async function run(name: string, script?: string): Promise<void> {
    const applied = await skerry.kubectlWith(JSON.stringify(streamsPod(name, script)), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await skerry.kubectlOk("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s");
  }

  async function logsGoOn(): Promise<void> {
    assert.match(await skerry.kubectlOk("logs", "talk", "-c", "counts", "--tail=1"), /^line \d+\n$/);
  }

  async function execGoesOn(): Promise<void> {
    assert.equal(await skerry.kubectlOk("exec", "talk", "-c", "counts", "--", "echo", "here"), "here\n");
  }

  /** One of CloudCore's own metrics. */
  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const [, value] = new RegExp(`^${name} (\\d+)$`, "m").exec(text) ?? [];
    assert.ok(value !== undefined, text);
    return Number(value);
  }

  test("of 1,000 execs at once a node takes as many as it may; its logs and metrics go on meanwhile", async () => {
    const path = "/api/v1/namespaces/default/pods/talk/exec?command=cat&container=counts&stdin=true&stdout=true";
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" };
    const options = { port: skerry.ports.api, path, method: "POST", headers, ...administrator };
    const taken: Answer[] = [];
    /** Asks for this many execs at once; how many were refused. */
    const wave = async (count: number): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: count }, () => ask(options)));
      for (const answer of answers) {
        const { status, text } = answer;
        if (status === 101) taken.push(answer);
        else {
          assert.ok(status === 0 || status === 429 || status >= 500, `${status} ${text}`);
          if (status !== 0) assert.equal(JSON.parse(text).kind, "Status");
        }
      }
      return answers.filter(({ status }) => status !== 101).length;
    };
    try {
      const refused = await wave(EXECS);
      // The runtime ends those that open no streams after a while, and others come in their place.
      assert.ok(taken.length > 0 && refused > EXECS / 2, `${taken.length} were taken`);
      await logsGoOn();
      assert.match(await skerry.kubectlOk("top", "node", "--no-headers"), new RegExp(NODE));
      assert.ok((await metric("skerry_cloud_streams_open")) <= STREAMS_OF_NODE);
      // A slow API server gives up on those of a large wave before they reach the node's limit; smaller ones follow.
      await waitUntil("the node's limit refuses one", async () => {
        if ((await metric("skerry_cloud_streams_refused_total")) > 0) return true;
        await wave(2 * STREAMS_OF_NODE);
        return false;
      });
      assert.ok((await metric("skerry_cloud_streams_open")) <= STREAMS_OF_NODE);
    } finally {
      for (const { end } of taken) end();
    }
    await waitUntil("there is room again", async () => {
      await execGoesOn();
      return true;
    });
  });

  test("readers that stop within a flooding log hold up nobody, and a window of each waits, no more", async () => {
    await run("flood", "yes 0123456789abcdef0123456789abcdef | head -n 400000; exec sleep 1000000");
    const path = "/api/v1/namespaces/default/pods/flood/log?container=counts&follow=true";
    const options = { port: skerry.ports.api, path, ...administrator };
    const stalled = await Promise.all(Array.from({ length: STALLED_READERS }, () => stall(options)));
    try {
      const waiting = (): Promise<number> => metric("skerry_cloud_streams_waiting_bytes");
      await waitUntil(
        "what the readers do not take waits at CloudCore",
        async () => (await waiting()) > (STALLED_READERS / 2) * WINDOW_BYTES,
      );
      for (let round = 0; round < 3; round++) {
        await logsGoOn();
        await execGoesOn();
        assert.ok((await waiting()) <= (STALLED_READERS + 2) * WINDOW_BYTES);
      }
    } finally {
      for (const response of stalled) response.destroy();
    }
    await skerry.kubectlOk("delete", "pod", "flood", "--wait=false");
    await waitUntil("nothing waits", async () => (await metric("skerry_cloud_streams_waiting_bytes")) === 0);
  });

  test("port 10003 serves the API server only: not the administrator, not a node, not whoever has no certificate", async () => {
    const asked = { port: skerry.ports.stream, path: "/containerLogs/default/talk/counts" };
    const statusFor = async (pair?: Pair): Promise<number> => (await ask({ ...asked, ...pair })).status;
    assert.equal(await statusFor(administrator), 403);
    assert.equal(await statusFor(), 0);
    assert.equal(await statusFor(nodeCredentials(skerry.home)), 0);
    assert.equal(await statusFor(apiServerCredentials(skerry.home)), 200);
  });

  test("a node that opens the tunnel of another one is refused", async () => {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
      sessionhostnameoverride: "edge-node-2",
    };
    const asked = { port: skerry.ports.hub, path: "/v1/kubeedge/connect", headers };
    const { status, text } = await ask({ ...asked, ...nodeCredentials(skerry.home) });
    assert.equal(status, 403);
    assert.match(text, /certificate is for node edge-node-1, the header names another/);
  });

  test("endless headers end the connection, whoever sends them", async () => {
    for (const [port, pair] of [
      [skerry.ports.stream, apiServerCredentials(skerry.home)],
      [skerry.ports.hub, nodeCredentials(skerry.home)],
      [skerry.ports.api, administrator],
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
    await logsGoOn();
    await execGoesOn();
  });
});

function apiServerCredentials(home: string): Pair {
  const file = `${home}/controlplane/pki/apiserver-kubelet-client`;
  return { cert: readFileSync(`${file}.crt`), key: readFileSync(`${file}.key`) };
}

/** The certificate that the node has got. */
function nodeCredentials(home: string): Pair {
  const file = `${home}/${NODE}/certificates/server`;
  return { cert: readFileSync(`${file}.crt`), key: readFileSync(`${file}.key`) };
}

/** What a server answered; status 0: it refused the connection, 101: an upgrade, which lasts until it is ended. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly end: () => void;
}

function ask(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const outgoing = request({ host: "127.0.0.1", agent: false, rejectUnauthorized: false, ...options });
    const end = (): unknown => outgoing.destroy();
    outgoing.on("error", () => resolve({ status: 0, text: "", end }));
    outgoing.on("upgrade", (_response, socket) => {
      socket.on("error", () => socket.destroy());
      resolve({ status: 101, text: "", end: () => socket.destroy() });
    });
    outgoing.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("error", () => undefined);
      // One that was cut off has no end.
      response.on("close", () => resolve({ status: response.complete ? (response.statusCode ?? 0) : 0, text, end }));
    });
    outgoing.end();
  });
}

/** Begins to read an answer, and stops. */
function stall(options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", agent: false, rejectUnauthorized: false, ...options });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      response.pause();
      response.on("error", () => undefined);
      resolve(response);
    });
    outgoing.end();
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { GeneratedStream } from "@skerry/streams";
import { CloudMetrics } from "./cloud-metrics.ts";
import { mergeNodeMetrics } from "./label-metrics.ts";
import { serveMetrics } from "./platform/metrics-server.ts";

const node = (cpu: number): string =>
  `# HELP cpu_seconds_total CPU\n# TYPE cpu_seconds_total counter\ncpu_seconds_total ${cpu} 1000\n# HELP used Bytes\n# TYPE used gauge\nused{pod="a b"} 7\n`;

test("nodes' metrics become one: labelled, each metric's lines together, what is no metric left out", () => {
  assert.equal(
    mergeNodeMetrics([
      ["edge-1", node(1)],
      ["edge-2", `${node(2)}evil} line\n`],
    ]),
    `# HELP cpu_seconds_total CPU
# TYPE cpu_seconds_total counter
cpu_seconds_total{node="edge-1"} 1 1000
cpu_seconds_total{node="edge-2"} 2 1000
# HELP used Bytes
# TYPE used gauge
used{node="edge-1",pod="a b"} 7
used{node="edge-2",pod="a b"} 7
`,
  );
});

/** Of two nodes that answer what `answer` says. */
function metricsOf(answer: (nodeName: string, path: string, query: string) => string): CloudMetrics {
  return new CloudMetrics({
    cloudHub: {
      connectedNodes: new Set(["edge-1", "edge-2"]),
      trace: () => ({
        link: { state: "not-seen" },
        traffic: {
          coversMs: 1,
          rows: [
            { direction: "up", kind: "pod", messages: 2, bytes: 100 },
            { direction: "up", kind: "ping", messages: 1, bytes: 6 },
          ],
        },
      }),
    },
    cloudStream: {
      load: { openStreams: 4, refusedStreams: 7, waitingBytes: 1_024 },
      open: async ({ nodeName = "", path, query }) => {
        const text = answer(nodeName, path, query);
        const blocks = async function* (): AsyncGenerator<Uint8Array> {
          yield new TextEncoder().encode(text);
        };
        return { stream: new GeneratedStream(blocks), startsWithHead: false };
      },
    },
    telemetry: { counters: { received: 9, duplicate: 2, missing: 5, foreign: 1 } },
    clock: systemClock,
    logger: silentLogger,
  });
}

test("each scraper is given what nodes measured offline once, and again when it did not get it", async () => {
  const asked: string[] = [];
  const metrics = metricsOf((nodeName, path, query) => {
    if (path === "/metrics") return "";
    asked.push(`${nodeName} ${query}`);
    return "node_memory_working_set_bytes 7 1000\nnode_memory_working_set_bytes 7 2000\n";
  });
  await metrics.ofNodes("lost");
  const { text, delivered } = await metrics.ofNodes("first");
  assert.match(text, /\{node="edge-1"\} 7 1000\n.*\{node="edge-1"\} 7 2000\n/);
  delivered();
  for (const scraper of ["first", "second", "lost"]) {
    asked.length = 0;
    await metrics.ofNodes(scraper);
    const since = scraper === "first" ? 2000 : 0;
    assert.deepEqual(asked.sort(), [`edge-1 since=${since}`, `edge-2 since=${since}`]);
  }
});

test("Prometheus finds CloudCore's metrics and those of the nodes that answer", async () => {
  const metrics = metricsOf((nodeName, path) => {
    if (nodeName === "edge-2") throw new Error("it has just gone");
    return path === "/metrics" ? "skerry_edge_pods 3\n" : node(5);
  });
  await using server = await serveMetrics({ address: "127.0.0.1", port: 0, metrics, logger: silentLogger });
  const read = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  const nodes = await (await read("/metrics/nodes")).text();
  assert.match(nodes, /^skerry_edge_pods\{node="edge-1"\} 3$/m);
  assert.match(nodes, /^cpu_seconds_total\{node="edge-1"\} 5 1000$/m);
  assert.doesNotMatch(nodes, /edge-2/);
  const own = await (await read("/metrics")).text();
  assert.match(own, /^skerry_cloud_nodes_connected 2$/m);
  assert.match(own, /^skerry_cloud_node_link_bytes_total\{node="edge-1",direction="up"\} 106$/m);
  assert.match(own, /^skerry_cloud_node_metrics_unanswered_total 2$/m);
  assert.match(own, /^skerry_cloud_streams_open 4$/m);
  assert.match(own, /^skerry_cloud_samples_missing_total 5$/m);
  assert.match(own, /^skerry_cloud_streams_refused_total 7$/m);
  assert.match(own, /^skerry_cloud_streams_waiting_bytes 1024$/m);
  assert.equal((await read("/other")).status, 404);
});

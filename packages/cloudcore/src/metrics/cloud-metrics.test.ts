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

test("Prometheus finds CloudCore's metrics and those of the nodes that answer", async () => {
  const metrics = new CloudMetrics({
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
      open: async ({ nodeName, path }) => {
        if (nodeName === "edge-2") throw new Error("it has just gone");
        const text = path === "/metrics" ? "skerry_edge_pods 3\n" : node(5);
        const blocks = async function* (): AsyncGenerator<Uint8Array> {
          yield new TextEncoder().encode(text);
        };
        return { stream: new GeneratedStream(blocks), startsWithHead: false };
      },
    },
    clock: systemClock,
    logger: silentLogger,
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
  assert.equal((await read("/other")).status, 404);
});

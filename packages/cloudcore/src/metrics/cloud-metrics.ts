import type { Clock, Logger, Metric } from "@skerry/base";
import { metricText } from "@skerry/base";
import { readResponseHead } from "@skerry/streams";
import type { LinkTrace } from "../cloudhub/link-trace.ts";
import type { CloudStream } from "../cloudstream/cloud-stream.ts";
import type { TelemetryRequests } from "../telemetry/index.ts";
import { DeliveredTimes } from "./delivered-times.ts";
import { mergeNodeMetrics } from "./label-metrics.ts";

/** What {@link CloudMetrics} reads. */
export interface CloudMetricsOptions {
  readonly cloudHub: {
    readonly connectedNodes: ReadonlySet<string>;
    trace(nodeName: string): Pick<LinkTrace, "link" | "traffic">;
  };
  /** The way to the nodes' own metrics; left out: those are not served. */
  readonly cloudStream: Pick<CloudStream, "open" | "load"> | undefined;
  /** Left out where no samples are kept. */
  readonly telemetry?: Pick<TelemetryRequests, "counters"> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RESOURCE_PATH = "/metrics/resource";
/** Nodes asked at the same time. */
const WINDOW = 16;
const ANSWER_MS = 10_000;
const MAX_NODE_BYTES = 1024 * 1024;

/** CloudCore's metrics, and those of all connected nodes as one: what Prometheus scrapes. */
export class CloudMetrics {
  readonly #options: CloudMetricsOptions;
  readonly #delivered = new DeliveredTimes();
  #unanswered = 0;

  constructor(options: CloudMetricsOptions) {
    this.#options = options;
  }

  /** CloudCore's own; docs/metrics.md names them. Their only labels are names of connected nodes, and directions. */
  own(): string {
    const { cloudHub, cloudStream, telemetry } = this.#options;
    const streams = cloudStream?.load ?? { openStreams: 0, refusedStreams: 0, waitingBytes: 0 };
    const nodes = [...cloudHub.connectedNodes];
    const traces = nodes.map((node) => ({ node, trace: cloudHub.trace(node) }));
    const traffic = (member: "bytes" | "messages") =>
      traces.flatMap(({ node, trace }) =>
        (["up", "down"] as const).map((direction) => ({
          labels: { node, direction },
          value: trace.traffic.rows
            .filter((row) => row.direction === direction)
            .reduce((sum, row) => sum + row[member], 0),
        })),
      );
    const counter = (name: string, help: string, read: "resent" | "dropped"): Metric => ({
      name: `skerry_cloud_${name}`,
      help,
      type: "counter",
      samples: traces.flatMap(({ node, trace: { link } }) =>
        link.state === "connected" ? [{ labels: { node }, value: link.counters[read] }] : [],
      ),
    });
    return metricText([
      {
        name: "skerry_cloud_nodes_connected",
        help: "Nodes with a session at this CloudCore",
        type: "gauge",
        samples: [{ value: nodes.length }],
      },
      {
        name: "skerry_cloud_node_metrics_unanswered_total",
        help: "Requests for a node's own metrics without an answer",
        type: "counter",
        samples: [{ value: this.#unanswered }],
      },
      {
        name: "skerry_cloud_node_link_bytes_total",
        help: "Bytes of WebSocket frames",
        type: "counter",
        samples: traffic("bytes"),
      },
      {
        name: "skerry_cloud_node_link_messages_total",
        help: "Messages, pings included",
        type: "counter",
        samples: traffic("messages"),
      },
      {
        name: "skerry_cloud_streams_open",
        help: "Logs, exec, port-forward and the like that are open into nodes",
        type: "gauge",
        samples: [{ value: streams.openStreams }],
      },
      {
        name: "skerry_cloud_streams_refused_total",
        help: "Streams beyond what a node may have open at once",
        type: "counter",
        samples: [{ value: streams.refusedStreams }],
      },
      {
        name: "skerry_cloud_streams_waiting_bytes",
        help: "Bytes of nodes that their readers have not taken yet",
        type: "gauge",
        samples: [{ value: streams.waitingBytes }],
      },
      {
        name: "skerry_cloud_samples_missing_total",
        help: "Samples that nodes had dropped before they came",
        type: "counter",
        samples: telemetry ? [{ value: telemetry.counters.missing }] : [],
      },
      counter("node_session_resent_total", "Messages that were sent again in this session", "resent"),
      counter("node_session_dropped_total", "Messages lost to a limit in this session", "dropped"),
    ]);
  }

  /**
   * Of all connected nodes, as they say themselves, with what they measured while they were offline; one that does not
   * answer is left out and counted.
   * @param scraper who asks: each gets what was measured offline once. `delivered` says that the answer has arrived.
   */
  async ofNodes(scraper: string): Promise<{ readonly text: string; readonly delivered: () => void }> {
    const nodes = [...this.#options.cloudHub.connectedNodes].sort();
    const answers: (readonly [string, string])[] = [];
    for (let at = 0; at < nodes.length; at += WINDOW)
      for (const answer of await Promise.all(nodes.slice(at, at + WINDOW).map((node) => this.#ask(node, scraper))))
        answers.push(answer);
    return { text: mergeNodeMetrics(answers), delivered: () => this.#delivered.note(scraper, answers) };
  }

  async #ask(node: string, scraper: string): Promise<readonly [node: string, text: string]> {
    const asked = [
      ["/metrics", ""],
      [RESOURCE_PATH, `since=${this.#delivered.of(scraper, node)}`],
    ] as const;
    const texts = await Promise.all(
      asked.map(([path, query]) =>
        this.#read(node, path, query).catch(() => {
          this.#unanswered++;
          return "";
        }),
      ),
    );
    return [node, texts.join("")];
  }

  async #read(nodeName: string, path: string, query: string): Promise<string> {
    const { cloudStream, clock } = this.#options;
    if (!cloudStream) return "";
    const { stream, startsWithHead } = await cloudStream.open({
      method: "GET",
      path,
      query,
      headers: {},
      nodeName,
    });
    const late = clock.setTimer(ANSWER_MS, () => stream.close());
    try {
      const answered = startsWithHead ? await readResponseHead(stream) : undefined;
      if ((startsWithHead && !answered) || (answered && answered.head.status !== 200))
        throw new Error(`the node answered ${answered?.head.status ?? "nothing"}`);
      const decoder = new TextDecoder();
      let text = answered ? decoder.decode(answered.rest, { stream: true }) : "";
      for (let chunk = await stream.read(); chunk; chunk = await stream.read()) {
        text += decoder.decode(chunk, { stream: true });
        if (text.length > MAX_NODE_BYTES) throw new Error("the node's answer is too long");
      }
      return text;
    } finally {
      late.cancel();
      stream.close();
    }
  }
}

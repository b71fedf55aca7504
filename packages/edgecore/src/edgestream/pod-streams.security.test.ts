import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Pod, systemPod } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import type { ByteStream, ConnectRequest } from "@skerry/streams";
import { nodeLogFiles } from "@skerry/streams/platform";
import type { ContainerRuntime } from "../edged/ports.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { PodStreams } from "./pod-streams.ts";
import type { LoopbackRelay, StreamingRuntime } from "./ports.ts";

/** What the node answers to a request for the log of one of these pods. */
async function answerOf(pods: readonly Pod[], path: string, kind: ConnectRequest["kind"] = "logs"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-own-log-"));
  try {
    await writeFile(join(folder, "0.log"), "2026-01-31T08:00:00.000000000Z stdout F EdgeCore's own line\n");
    const streams = new PodStreams({
      meta: { list: () => pods } as unknown as MetaClient,
      runtime: {} as ContainerRuntime,
      streaming: {} as StreamingRuntime,
      loopback: {} as LoopbackRelay,
      files: nodeLogFiles,
      ownLogFolder: folder,
      clock: new ManualClock(),
      logger: silentLogger,
      config: { nodeName: "edge-1", rootDirectory: "/nonexistent", podLogsDirectory: "/nonexistent" },
    });
    let text = "";
    const stream: ByteStream = {
      closed: new AbortController().signal,
      read: async () => undefined,
      write: async (bytes) => {
        text += Buffer.from(bytes).toString();
      },
      close() {},
    };
    await streams.serve({ kind, method: "GET", path, query: "", headers: {} }, stream, true);
    return text;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const own = systemPod("edgecore", "edge-1");

test("EdgeCore's own pod shows its log, and nothing can be run in it", async () => {
  const path = "/kubeedge/edgecore-edge-1/edgecore";
  assert.match(await answerOf([own], `/containerLogs${path}`), /^HTTP\/1\.1 200 [\s\S]*EdgeCore's own line\n$/);
  assert.match(await answerOf([own], `/exec${path}`, "exec"), /^HTTP\/1\.1 400 [\s\S]*not a container/);
});

test("a pod that calls itself a mirror pod elsewhere does not show EdgeCore's log", async () => {
  const foreign = { ...own, metadata: { ...own.metadata, namespace: "default" } };
  const other = { ...own, metadata: { ...own.metadata, name: "mine" } };
  const elsewhere = await answerOf([foreign], "/containerLogs/default/edgecore-edge-1/edgecore");
  const renamed = await answerOf([other], "/containerLogs/kubeedge/mine/edgecore");
  for (const answer of [elsewhere, renamed]) {
    assert.match(answer, /^HTTP\/1\.1 404 /);
    assert.doesNotMatch(answer, /own line/);
  }
});

test("a node without measurements refuses the paths of metrics, and unknown paths", async () => {
  assert.match(await answerOf([], "/stats/summary", "metrics"), /^HTTP\/1\.1 404 /);
  assert.match(await answerOf([], "/metrics/../secrets", "metrics"), /^HTTP\/1\.1 404 /);
});

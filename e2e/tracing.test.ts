// A pod's way from the cluster's change to its status in the API as one trace, at a small OTLP collector.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { podOf } from "./support/planted-pods.ts";
import { waitUntil } from "./support/wait-until.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: Pick<Span, "attributes">;
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const attribute = ({ attributes }: Pick<Span, "attributes">, name: string): string | undefined =>
  attributes.find(({ key }) => key === name)?.value.stringValue;

describe("tracing", () => {
  let skerry: Installation;
  let collector: Server;
  const spans: (Span & { readonly service: string | undefined })[] = [];

  before(async () => {
    collector = createServer(async (request, response) => {
      const { resourceSpans } = (await json(request)) as OtlpRequest;
      for (const { resource, scopeSpans } of resourceSpans)
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({ ...span, service: attribute(resource, "service.name") });
      response.setHeader("content-type", "application/json").end("{}");
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    skerry = await Installation.create("tracing");
    await skerry.up("--no-examples", "--trace-endpoint", `http://127.0.0.1:${port}/v1/traces`);
  });
  after(async () => {
    await skerry.dispose();
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
  });

  test("a pod that is applied is one trace, from CloudCore's watch to its status in the API", async () => {
    assert.equal((await skerry.kubectlWith(JSON.stringify(podOf("traced")), "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/traced", "--timeout=120s");
    const parents = {
      store: "deliver pod",
      "run sandbox": "store",
      "create container": "store",
      "start container": "store",
      "report status": "store",
      "write podpatch": "report status",
    };
    const trace = await waitUntil("all of the trace has arrived", async () => {
      const start = spans.find(
        ({ name, ...span }) => name === "run sandbox" && attribute(span, "k8s.pod.name") === "traced",
      );
      const found = spans.filter(({ traceId }) => traceId === start?.traceId);
      const missing = ["deliver pod", ...Object.keys(parents)].filter(
        (name) => !found.some((span) => span.name === name),
      );
      if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}`);
      return found;
    });
    for (const [name, parentName] of Object.entries(parents))
      for (const { parentSpanId } of trace.filter((span) => span.name === name))
        assert.equal(trace.find(({ spanId }) => spanId === parentSpanId)?.name, parentName, name);
    for (const { name, service, startTimeUnixNano, endTimeUnixNano } of trace) {
      assert.equal(service, /^(deliver|write)/.test(name) ? "cloudcore" : "edgecore", name);
      assert.ok(BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano), name);
    }
    const [deliver] = trace.filter(({ name }) => name === "deliver pod");
    assert.equal(deliver?.parentSpanId, undefined);
    assert.equal(deliver && attribute(deliver, "skerry.resource"), "default/pod/traced");
  });
});

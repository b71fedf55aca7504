import assert from "node:assert/strict";
import { test } from "node:test";
import { metricText } from "./metric-text.ts";

test("metrics are written in Prometheus' format, labels escaped, empty ones left out", () => {
  const text = metricText([
    {
      name: "used_bytes",
      help: "What is used",
      type: "gauge",
      samples: [{ labels: { pod: 'a"b\\c\nd' }, value: 7, atMs: 1000.4 }, { value: 0.5 }],
    },
    { name: "nothing", help: "Without values", type: "counter", samples: [] },
  ]);
  assert.equal(
    text,
    '# HELP used_bytes What is used\n# TYPE used_bytes gauge\nused_bytes{pod="a\\"b\\\\c\\nd"} 7 1000\nused_bytes 0.5\n',
  );
});

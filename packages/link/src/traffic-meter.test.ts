import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage } from "./message-codec.ts";
import { TrafficMeter } from "./traffic-meter.ts";

test("traffic is counted by direction and class, in bytes and not in characters", () => {
  const meter = new TrafficMeter();
  const pod = {
    header: { msg_id: "1", timestamp: 0 },
    route: { source: "edgecontroller", group: "resource", operation: "update", resource: "default/pod/web" },
    content: { metadata: { name: "büro" } },
  };
  const frame = encodeMessage(pod);
  meter.count("down", pod, frame);
  meter.count("down", pod, frame);
  meter.count("up", { ...pod, route: { source: "nobody", operation: "unheard" } }, "12345");
  assert.deepEqual(meter.report, {
    down: { set: { messages: 2, bytes: 2 * (frame.length + 1) } },
    up: { other: { messages: 1, bytes: 5 } },
  });
});

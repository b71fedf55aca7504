import assert from "node:assert/strict";
import { test } from "node:test";
import { incomingParts } from "../../edged/platform/cri-images.ts";
import { IncomingLayers } from "./incoming-layers.ts";

const layer = (name: string, sizeBytes: number) => ({ mediaType: "layer", digest: `sha256:${name}`, sizeBytes });

test("what pulls have received of each layer is told as EdgeCore reads it, until the pull is over", () => {
  const incoming = new IncomingLayers();
  assert.deepEqual(incomingParts(incoming.encode()), []);
  const [small, large] = [layer("a", 10), layer("b", 5_000_000_000)];
  {
    using pulled = incoming.begin([small, large]);
    using _other = incoming.begin([layer("c", 7)]);
    pulled.received(large, 4_000_000_000);
    pulled.received(large, 5);
    assert.deepEqual(incomingParts(incoming.encode()), [
      { ref: "layer-sha256:a", receivedBytes: 0, totalBytes: 10 },
      { ref: "layer-sha256:b", receivedBytes: 4_000_000_005, totalBytes: 5_000_000_000 },
      { ref: "layer-sha256:c", receivedBytes: 0, totalBytes: 7 },
    ]);
  }
  assert.deepEqual(incomingParts(incoming.encode()), []);
});

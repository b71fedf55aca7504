import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@skerry/link";
import { targetOf } from "./downstream-target.ts";

function message(source: string, group: string, operation: string, resource: string): Message {
  return { header: { msg_id: "1", timestamp: 0 }, route: { source, group, operation, resource }, content: null };
}

test("what applications watch goes to the MetaServer, never among the node's own objects", () => {
  for (const operation of ["insert", "update", "delete"])
    assert.equal(
      targetOf(message("dynamiccontroller", "resource", operation, "default/pod/of-another-node")),
      "metaserver",
    );
  assert.equal(targetOf(message("edgecontroller", "resource", "update", "default/pod/web")), "metamanager");
});

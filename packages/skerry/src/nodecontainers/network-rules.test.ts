import assert from "node:assert/strict";
import { test } from "node:test";
import { splitRule } from "./network-rules.ts";

test("an iptables rule is split into its words, quoted comments included", () => {
  assert.deepEqual(
    splitRule(String.raw`POSTROUTING -s 10.244.1.2/32 -m comment --comment "name: \"net\" id: \"abc\"" -j CNI-1`),
    ["POSTROUTING", "-s", "10.244.1.2/32", "-m", "comment", "--comment", 'name: "net" id: "abc"', "-j", "CNI-1"],
  );
});

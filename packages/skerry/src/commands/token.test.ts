import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { token } from "./token.ts";
import { scopeOption, timeToLiveOption } from "./token-options.ts";

test("a token for a node with an impossible name is a usage error", async () => {
  for (const name of ["Bad Name", "", "UPPER", "a/b"])
    await assert.rejects(
      token.run(["--node", name]),
      (error) => isSkerryError(error, "SKERRY_USAGE") && error.message.includes(JSON.stringify(name)),
    );
});

test("options of a token that do not fit are usage errors", async () => {
  for (const options of [
    ["--node", "a", "--count", "2"],
    ["--count", "0"],
    ["--count", "1001"],
    ["--names", "sensor-*"],
    ["--count", "2", "--names", "Sensor"],
    ["--ttl", "soon"],
    ["--ttl", "366d"],
    ["-o", "yaml"],
    ["revoke"],
    ["revoke", "../x"],
  ])
    await assert.rejects(token.run(options), (error) => isSkerryError(error, "SKERRY_USAGE"), options.join(" "));
});

test("options of a token give its scope and time", () => {
  assert.deepEqual(scopeOption({}), { kind: "node", nodeName: "edge-node-2" });
  const batch = { kind: "batch", count: 50, namePattern: "sensor-*" };
  assert.deepEqual(scopeOption({ count: "50", names: "sensor-*" }), batch);
  assert.deepEqual([undefined, "30m", "12h", "7d"].map(timeToLiveOption), [
    86_400_000,
    1_800_000,
    43_200_000,
    7 * 86_400_000,
  ]);
});

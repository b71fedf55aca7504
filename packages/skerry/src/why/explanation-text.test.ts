import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { explanationLines } from "./explanation-text.ts";
import { World } from "./testing/world.ts";

test("an explanation is one screen: marks, the first broken step, what to do", async () => {
  const world = await new World().node("Unknown", { heard: -300 });
  const lines = explanationLines(await world.whyNode());
  assert.ok(lines.length < 20);
  assert.equal(lines[1], "✓ registered      the cloud knows the node");
  assert.match(
    lines.join("\n"),
    /\n✗ link .*\n· can run pods .*\n[\s\S]*First broken step: link \(WHY_NODE_OFFLINE\)\n {2}.*\nWhat to do: /,
  );
});

test("every code that why can give is in docs/why.md, and no other", () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
  const given = new Set(
    ["container-rules", "device-links", "node-links", "pod-links", "resize-rules", "scheduling-rules"].flatMap((name) =>
      [...read(`./${name}.ts`).matchAll(/"(WHY_\w+)"/g)].map(([, code]) => code),
    ),
  );
  const told = new Set(
    [...read("../../../../docs/why.md").matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/WHY_\w+/g)].map(([code]) => code),
    ),
  );
  assert.deepEqual([...told].sort(), [...given].sort());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { busyNode, serverNode, smallNode } from "../node-options.ts";
import { ownCommand } from "./part-descriptions.ts";

test("a part inherits none of the options that another part is run with", (context) => {
  const [execArgv, argv] = [process.execArgv, process.argv];
  context.after(() => {
    process.execArgv = execArgv;
    process.argv = argv;
  });
  process.argv = [argv[0] ?? "", "/opt/skerry/main.mjs"];
  for (const before of [smallNode, busyNode, serverNode]) {
    process.execArgv = ["--enable-source-maps", ...before.options];
    assert.deepEqual(ownCommand(["edgecore"], busyNode).slice(1), [
      "--enable-source-maps",
      ...busyNode.options,
      "/opt/skerry/main.mjs",
      "edgecore",
    ]);
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { shellWord } from "./terminal.ts";

test("a path is one word for a shell, whatever is in it", () => {
  assert.equal(shellWord("/srv/skerry/.skerry/kubeconfig"), "/srv/skerry/.skerry/kubeconfig");
  for (const path of ["/a b/c", "/it's here", "/$HOME/`id`", "/ä;x", ""])
    assert.equal(spawnSync("sh", ["-c", `printf %s ${shellWord(path)}`], { encoding: "utf8" }).stdout, path);
});

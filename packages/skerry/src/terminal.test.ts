import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SkerryError } from "@skerry/base";
import { codedError } from "./errors.ts";
import { shellWord } from "./terminal.ts";

test("a path is one word for a shell, whatever is in it", () => {
  assert.equal(shellWord("/srv/skerry/.skerry/kubeconfig"), "/srv/skerry/.skerry/kubeconfig");
  for (const path of ["/a b/c", "/it's here", "/$HOME/`id`", "/ä;x", ""])
    assert.equal(spawnSync("sh", ["-c", `printf %s ${shellWord(path)}`], { encoding: "utf8" }).stdout, path);
});

test("an error of the machine that means a full disk has a code; others stay what they are", () => {
  const full = codedError(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC", path: "/x" }));
  assert.ok(full instanceof SkerryError);
  assert.equal(full.code, "SKERRY_DISK_FULL");
  assert.match(full.message, /\/x/);
  const other = Object.assign(new Error("EPIPE"), { code: "EPIPE" });
  assert.equal(codedError(other), other);
});

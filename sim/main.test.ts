import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const WRONG_USES: readonly (readonly [options: readonly string[], told: RegExp])[] = [
  [["--kept", "--mutant", "no-such-thing"], /^There is no planted bug "no-such-thing"; there are ack-before-commit, /],
  [["--declared", "--mutant", "ack-before-commit"], /^--declared goes with --seeds/],
  [["--seed", "17", "--mutant", "ack-before-commit", "--shrink", "found"], /^--shrink with --seed .* without --mutant/],
  [["--seed", "17", "--mutants", "--shrink", "all"], /^--shrink with --seed .* without --mutant/],
  [["--mutants", "--api", "embedded"], /^--api embedded is for seeds of our own code: without /],
  [["--api", "etcd"], /^--api is one of memory, embedded/],
];

for (const [options, told] of WRONG_USES)
  test(`npm run sim -- ${options.join(" ")} is refused in words`, () => {
    const main = join(import.meta.dirname, "main.ts");
    const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...options], { encoding: "utf8" });
    assert.match(stderr, told);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
  });

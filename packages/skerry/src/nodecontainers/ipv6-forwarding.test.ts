import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ipv6Problem, readIpv6Before, restoreIpv6 } from "./ipv6-forwarding.ts";

/** What is told of a machine whose ip6tables is this script, and how it was called. */
async function problemWith(script: string): Promise<{ readonly problem: string | undefined; readonly calls: string }> {
  const folder = mkdtempSync(join(tmpdir(), "skerry-ipv6-"));
  try {
    const ip6tables = join(folder, "ip6tables");
    writeFileSync(ip6tables, `#!/bin/sh\necho "$5" >> ${folder}/calls\n${script}\n`);
    chmodSync(ip6tables, 0o755);
    const problem = await ipv6Problem({ ip6tables, environment: {} });
    const calls = join(folder, "calls");
    return { problem, calls: existsSync(calls) ? readFileSync(calls, "utf8") : "" };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a kernel that cannot masquerade IPv6 is told of before any pod fails by it, and nothing is left of the trial", async () => {
  const { problem, calls } = await problemWith('[ "$5" != -A ] || { echo "no chain/target/match" >&2; exit 1; }');
  assert.ok(problem, "a machine that may forward no IPv6 has another problem, and one too");
  if (/ip6tables/.test(problem)) {
    assert.match(problem, /^ip6tables does not work: no chain\/target\/match$/);
    assert.equal(calls, "-N\n-A\n-F\n-X\n");
  } else assert.equal(calls, "");
});

test("what pods with IPv6 change is only noted where the machine forwards nothing yet", () => {
  const { forwarding, advertised } = readIpv6Before();
  assert.match(forwarding, /^[01]$/);
  assert.ok(forwarding === "0" || advertised.length === 0);
  assert.ok(!advertised.includes("all"));
});

test("interfaces that forwarded by themselves do so again, and are not made to listen to routers", (context) => {
  const settings = mkdtempSync(join(tmpdir(), "skerry-ipv6-"));
  context.after(() => rmSync(settings, { recursive: true }));
  const set = (name: string, forwarding: string, acceptRa: string): void => {
    mkdirSync(join(settings, name), { recursive: true });
    writeFileSync(join(settings, name, "forwarding"), forwarding);
    writeFileSync(join(settings, name, "accept_ra"), acceptRa);
  };
  const valuesOf = (name: string): string[] =>
    ["forwarding", "accept_ra"].map((setting) => readFileSync(join(settings, name, setting), "utf8"));
  set("all", "0", "1");
  set("eth0", "0", "1");
  set("wg0", "1", "1");
  const before = readIpv6Before(settings);
  assert.deepEqual(before, { forwarding: "0", alone: ["wg0"], advertised: ["eth0"] });
  // As the bridge plugin, Skerry and then the kernel have it, which sets all interfaces with `all`.
  set("all", "1", "1");
  set("eth0", "0", "2");
  set("wg0", "0", "1");
  restoreIpv6(before, settings);
  assert.deepEqual(["all", "eth0", "wg0"].map(valuesOf), [
    ["0", "1"],
    ["0", "1"],
    ["1", "1"],
  ]);
  rmSync(join(settings, "wg0"), { recursive: true });
  restoreIpv6(before, settings);
  assert.ok(!existsSync(join(settings, "wg0")));
});

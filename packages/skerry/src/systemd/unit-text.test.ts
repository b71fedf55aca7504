import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { unitName, unitText } from "./unit-text.ts";

const installed = {
  command: ["/usr/bin/node", "/usr/lib/node_modules/skerry/bin/skerry.mjs"],
  homeFolder: "/var/lib/skerry",
};

for (const role of ["cloud", "edge"] as const)
  test(`deploy/systemd has the unit of the ${role} as it is written`, () => {
    const file = new URL(`../../../../deploy/systemd/${unitName(role)}`, import.meta.url);
    assert.equal(readFileSync(file, "utf8"), unitText({ role, ...installed }));
  });

test("a unit's words are quoted where systemd would take them apart", () => {
  const text = unitText({ role: "edge", command: ["/opt/my node/node", 'a"b\\c', "50%$x"], homeFolder: "/srv/a b" });
  assert.match(text, /^ExecStart="\/opt\/my node\/node" "a\\"b\\\\c" 50%%\$\$x up$/m);
  assert.match(text, /^Environment="SKERRY_HOME=\/srv\/a b"$/m);
});

test("every line of a unit is a section, a comment or a setting that systemd knows there", () => {
  const known: Readonly<Record<string, readonly string[]>> = {
    Unit: ["Description", "After"],
    Service: [
      ...["Type", "Environment", "ExecStart", "ExecStop", "Restart", "RestartSec", "KillMode", "TimeoutStopSec"],
      ...["Delegate", "TasksMax", "LimitNOFILE"],
    ],
    Install: ["WantedBy"],
  };
  let section = "";
  for (const line of unitText({ role: "cloud", ...installed }).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header) section = header;
    else assert.ok(known[section]?.includes(line.split("=")[0] ?? ""), `[${section}] ${line}`);
  }
});

// docs/modbus.md as a user walks it: its commands are run as they stand there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Installation, root } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

/** The shell blocks of the tutorial but the first, which starts Skerry. */
function commands(): string {
  const page = readFileSync(join(root, "docs/modbus.md"), "utf8");
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  assert.match(blocks[0] ?? "", /^npm start/);
  return blocks.slice(1).join("\n");
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch {
    // All have ended by themselves.
  }
}

describe("the Modbus tutorial", () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("modbus");
    await skerry.up("--no-examples");
  });
  after(() => skerry.dispose());

  test("its commands work as they stand there, and the values arrive in kubectl and in the register", async () => {
    const script = `set -e\n${commands()}\nwait || true\n`;
    const shell = spawn("bash", ["-c", script], {
      cwd: root,
      detached: true,
      env: { ...process.env, SKERRY_HOME: skerry.home, KUBECONFIG: skerry.kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((resolve) => shell.once("exit", resolve));
    // After a command that failed, what runs in the background must not keep the test waiting.
    void ended.then(() => killGroup(shell.pid));
    const [status, output, errors] = await Promise.all([ended, text(shell.stdout), text(shell.stderr)]);
    assert.equal(status, 0, `${output}${errors}${skerry.logs()}`);
    assert.match(output, /^device\.devices\.kubeedge\.io\/boiler condition met$/m);
    const twins = /^ {2}twins:\n(?<list>[\s\S]*?)^\S/m.exec(`${output}\n.`)?.groups?.["list"] ?? "";
    assert.match(twins, /propertyName: temperature\n\s+reported:[\s\S]*?value: "(1[5-9]|2\d)(\.\d)?"/, output);
    assert.match(output, /^register 1 is now 235, coil 0 is on$/m);
    assert.equal(output.match(/^TIME +VALUE$/gm)?.length, 3, "samples before, during and after the cut");
    // What was measured during the cut is in the cloud as it is on the node.
    const atEdge = await samples("edge");
    assert.ok(atEdge.length > 5, JSON.stringify(atEdge));
    await waitUntil("all samples are in the cloud", async () => (await samples("cloud")).length >= atEdge.length);
    assert.deepEqual(await samples("cloud"), atEdge);
    const misspelt = await skerry.skerry("data", "boiler", "temprature", "--at", "cloud");
    assert.equal(misspelt.status, 1);
    assert.match(misspelt.stderr, /^SKERRY_NEVER_MEASURED: No sample of property temprature of device default\/boiler/);
  });

  async function samples(place: "edge" | "cloud"): Promise<unknown[]> {
    const { stdout } = await skerry.skerry("data", "boiler", "temperature", "--at", place, "-o", "json");
    return JSON.parse(stdout) as unknown[];
  }
});

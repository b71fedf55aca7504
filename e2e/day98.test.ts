// docs/day98.md as it stands: all its commands, in order, in one shell.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Installation, root } from "./support/installation.ts";
import { run } from "./support/run.ts";

/** The page's commands: its blocks that are marked as `bash`. */
function commandsOf(page: string): string {
  const blocks = [...page.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block]) => block ?? "");
  assert.ok(blocks.length >= 10, "the page's commands were not found");
  return blocks.join("\n");
}

describe("docs/day98.md", () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("day98");
    // Other ports than the usual ones, so that the machine's own Skerry is not disturbed; nothing else is different.
    const { api, hub, hubHttps, mqtt, stream, tunnel } = skerry.ports;
    const settings = {
      apiPort: api,
      cloudHubPort: hub,
      cloudHttpsPort: hubHttps,
      mqttPort: mqtt,
      streamPort: stream,
      tunnelPort: tunnel,
    };
    writeFileSync(join(skerry.home, "settings.json"), JSON.stringify(settings));
  });
  after(() => skerry.dispose());

  test("every command of the page succeeds, in the page's order", async () => {
    const script = `set -eu\n${commandsOf(readFileSync(join(root, "docs/day98.md"), "utf8"))}`;
    const ended = await run(["bash", "-xc", script], { folder: root, environment: { SKERRY_HOME: skerry.home } });
    assert.equal(ended.status, 0, `${ended.stdout.slice(-4000)}\n${ended.stderr.slice(-4000)}${skerry.logs()}`);
    assert.match(ended.stdout, /Node edge-node-1 is in step again\. It was away for /);
    assert.match(ended.stdout, /In step with the cloud again\. Offline for .*since .*Sent from here: \d+ change/);
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@skerry/base";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { ScriptedCloudLink } from "../edged/testing/scripted-cloud-link.ts";
import type { StepOutcome } from "../taskmanager/steps.ts";
import { configUpdateSteps } from "./config-update-steps.ts";
import type { ConfigUpdater } from "./config-updater.ts";
import { type OpenedConfigFile, openConfigFile } from "./platform/open-config-file.ts";

/** A node's configuration file on a real disk, and EdgeCore's lives with it. */
class ConfigWorld implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "skerry-config-"));
  readonly clock: ManualClock = new ManualClock();
  readonly link: ScriptedCloudLink = new ScriptedCloudLink(
    { clock: this.clock, random: new SeededRandom(), logger: silentLogger },
    true,
  );
  file: JsonValue = { modules: { edgeHub: { heartbeat: 15 } } };
  restarts = 0;
  #stop = new AbortController();

  /** EdgeCore starts. */
  async start(): Promise<OpenedConfigFile> {
    this.#stop.abort();
    this.#stop = new AbortController();
    return await openConfigFile({
      configFile: join(this.folder, "edgecore.yaml"),
      read: async () => this.file,
      restart: () => {
        this.restarts++;
      },
    });
  }

  /** A step of the job in this life. */
  async step(life: OpenedConfigFile, action: string, spec: JsonObject, id = "uid-1"): Promise<StepOutcome> {
    const step = configUpdateSteps({ updater: await life.updater(), cloudLink: this.link, clock: this.clock })[action];
    assert.ok(step, action);
    return await step({ id, spec, signal: this.#stop.signal });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const HEARTBEAT = { updateFields: { "modules.edgeHub.heartbeat": "20" }, timeoutSeconds: 60 };

test("an update is in effect after the restart, and kept when the node connects with it", async () => {
  using world = new ConfigWorld();
  const first = await world.start();
  assert.deepEqual(await world.step(first, "Check", HEARTBEAT), { kind: "done" });
  assert.deepEqual(readdirSync(world.folder), [], "a check writes nothing");
  assert.deepEqual(await world.step(first, "BackUp", HEARTBEAT), { kind: "done" });
  assert.deepEqual(await world.step(first, "Update", HEARTBEAT), { kind: "restarting" });
  assert.equal(world.restarts, 1);
  const second = await world.start();
  assert.equal(second.config.edgeHub.keepaliveMs, 20_000);
  assert.deepEqual(second.changedFields, ["modules.edgeHub.heartbeat"]);
  const outcome = world.step(second, "Update", HEARTBEAT);
  await world.clock.advance(2_000);
  assert.deepEqual(await outcome, { kind: "done" });
  assert.deepEqual(await world.step(second, "Update", HEARTBEAT), { kind: "done" }, "asked again after a crash");
  assert.equal((await world.start()).config.edgeHub.keepaliveMs, 20_000);
  assert.equal(world.restarts, 1);
  assert.equal(statSync(join(world.folder, "edgecore.updates.json")).mode & 0o777, 0o600);
});

test("a node that does not connect in half of the job's time goes back by itself, and says why", async () => {
  using world = new ConfigWorld();
  await world.step(await world.start(), "Update", HEARTBEAT);
  world.link.setConnected(false);
  const second = await world.start();
  const outcome = world.step(second, "Update", HEARTBEAT);
  await world.clock.advance(29_000);
  assert.equal(world.restarts, 1);
  await world.clock.advance(2_000);
  assert.deepEqual(await outcome, { kind: "restarting" });
  assert.equal(world.restarts, 2);
  const third = await world.start();
  assert.equal(third.config.edgeHub.keepaliveMs, 15_000);
  const told = await world.step(third, "Update", HEARTBEAT);
  assert.equal(told.kind, "failed");
  assert.match(JSON.stringify(told), /EDGECORE_CONFIG_UPDATE_TAKEN_BACK: .* within 30 s/);
  assert.deepEqual(await world.step(third, "RollBack", HEARTBEAT), { kind: "done" });
  assert.equal(world.restarts, 2);
});

test("a session that ends at once does not prove an update", async () => {
  using world = new ConfigWorld();
  await world.step(await world.start(), "Update", HEARTBEAT);
  world.link.setConnected(false);
  const outcome = world.step(await world.start(), "Update", HEARTBEAT);
  for (let second = 0; second < 35; second++) {
    await world.clock.advance(900);
    world.link.setConnected(second % 2 === 0);
  }
  world.link.setConnected(false);
  await world.clock.advance(2_000);
  assert.deepEqual(await outcome, { kind: "restarting" });
});

test("an EdgeCore that does not stay up with an update is started with the older configuration", async () => {
  using world = new ConfigWorld();
  await world.step(await world.start(), "Update", HEARTBEAT);
  for (let start = 1; start <= 3; start++) assert.equal((await world.start()).config.edgeHub.keepaliveMs, 20_000);
  const fourth = await world.start();
  assert.equal(fourth.config.edgeHub.keepaliveMs, 15_000);
  assert.match(JSON.stringify(await world.step(fourth, "Update", HEARTBEAT)), /did not stay up in 3 starts/);
});

test("an update that the file does not take any more is taken back at once", async () => {
  using world = new ConfigWorld();
  await world.step(await world.start(), "Update", HEARTBEAT);
  world.file = { modules: "nonsense" };
  await assert.rejects(world.start(), { code: "CONFIG_INVALID" });
  world.file = { modules: {} };
  const life = await world.start();
  assert.deepEqual(life.changedFields, []);
  assert.match(JSON.stringify(await world.step(life, "Update", HEARTBEAT)), /"failed".*CONFIG_INVALID/);
});

test("wrong fields are refused before anything is written, and equal ones need no restart", async () => {
  using world = new ConfigWorld();
  const life = await world.start();
  const wrong = { updateFields: { "modules.edgeHub.heartbeat": "soon; reboot" } };
  assert.match(
    JSON.stringify(await world.step(life, "Check", wrong)),
    /EDGECORE_CONFIG_UPDATE_INVALID.*heartbeat must/,
  );
  assert.match(JSON.stringify(await world.step(life, "Update", wrong)), /EDGECORE_CONFIG_UPDATE_INVALID/);
  const equal = { updateFields: { "modules.edgehub.heartbeat": "15" } };
  assert.equal((await world.step(life, "Update", equal)).kind, "done");
  assert.deepEqual(readdirSync(world.folder), []);
  assert.equal(world.restarts, 0);
});

test("a second job waits for no first one: it is refused while an update is under way", async () => {
  using world = new ConfigWorld();
  const life = await world.start();
  await world.step(life, "Update", HEARTBEAT);
  assert.match(JSON.stringify(await world.step(life, "Update", HEARTBEAT, "uid-2")), /EDGECORE_CONFIG_UPDATE_BUSY/);
});

test("later jobs build on earlier ones, and going back goes one job back only", async () => {
  using world = new ConfigWorld();
  await world.step(await world.start(), "Update", HEARTBEAT);
  const outcome = world.step(await world.start(), "Update", HEARTBEAT);
  await world.clock.advance(2_000);
  await outcome;
  const label = { updateFields: { "modules.edgeHub.projectID": "other" } };
  const life = await world.start();
  await world.step(life, "Update", label, "uid-2");
  const both = await world.start();
  assert.deepEqual([both.config.edgeHub.keepaliveMs, both.config.edgeHub.projectId], [20_000, "other"]);
  for (let start = 0; start < 3; start++) await world.start();
  const back = await world.start();
  assert.deepEqual(back.changedFields, ["modules.edgeHub.heartbeat"]);
  assert.equal(back.config.edgeHub.keepaliveMs, 20_000);
});

test("a file of changes that is none stops the start with what to do", async () => {
  using world = new ConfigWorld();
  for (const text of ["", "{", "[]", '{"updates": 1}']) {
    writeFileSync(join(world.folder, "edgecore.updates.json"), text);
    await assert.rejects(world.start(), { code: "EDGECORE_CONFIG_STATE_UNREADABLE" });
  }
});

test("a folder that cannot be written fails the back-up, before anything has changed", async () => {
  using world = new ConfigWorld();
  const updater: ConfigUpdater = await (await world.start()).updater();
  rmSync(world.folder, { recursive: true });
  await assert.rejects(updater.write(updater.state), { code: "EDGECORE_CONFIG_STATE_UNWRITABLE" });
  assert.equal(world.restarts, 0);
});

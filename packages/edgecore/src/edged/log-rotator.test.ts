import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "./testing/edged-world.ts";

test("a log that grew too large is set aside and only the newest few are kept", async () => {
  await using world = new EdgedWorld({ config: { containerLogMaxBytes: 10, containerLogMaxFiles: 3 } });
  await world.start();
  await world.put("pod", world.pod("web"));
  const folder = "/edged/pod-logs/default_web_uid-web/app";
  await world.files.makeDirectory(folder, 0o755);
  for (let round = 0; round < 5; round++) {
    await world.files.writeFile(`${folder}/0.log`, new TextEncoder().encode(`round ${round} is long`), 0o644);
    await world.pass(31_000);
  }
  const kept = (await world.files.listDirectory(folder)).map((name) => world.files.text(`${folder}/${name}`));
  assert.deepEqual(kept, ["round 3 is long", "round 4 is long"]);
});

test("a log stays where it is when the runtime does not open a new one", async () => {
  await using world = new EdgedWorld({ config: { containerLogMaxBytes: 10 } });
  await world.start();
  await world.put("pod", world.pod("web"));
  const log = "/edged/pod-logs/default_web_uid-web/app/0.log";
  await world.files.makeDirectory(log.slice(0, -"/0.log".length), 0o755);
  await world.files.writeFile(log, new TextEncoder().encode("more than ten bytes"), 0o644);
  world.runtime.failNext("reopenContainerLog");
  await world.pass(31_000);
  assert.equal(world.files.text(log), "more than ten bytes");
});

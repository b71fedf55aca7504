// Faults of real processes, disks and cables. After each: what was accepted is there, containers were not touched, and
// both sides agree again. A clock that is set is in clock.test.ts.
import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Installation } from "../support/installation.ts";
import { run } from "../support/run.ts";
import { waitUntil } from "../support/wait-until.ts";
import { FaultyCable } from "./support/faulty-cable.ts";
import { FaultyNode, NODE } from "./support/faulty-node.ts";

/** The node's state is on a disk so small that a test can fill it. */
const DISK = "160m";
/** Longer than two periods of the link's ping, so that both sides have noticed. */
const FROZEN_MS = 30_000;

suite("faults", { concurrency: false }, () => {
  let skerry: Installation;
  let node: FaultyNode;
  let disk: string;

  before(async () => {
    skerry = await Installation.create("faults");
    disk = join(skerry.home, NODE);
    mkdirSync(disk);
    const mounted = await run(["mount", "-t", "tmpfs", "-o", `size=${DISK},mode=711`, "tmpfs", disk]);
    assert.equal(mounted.status, 0, mounted.stderr);
    node = await FaultyNode.start(skerry);
    await node.settled();
  });

  after(async () => {
    await node?.[Symbol.asyncDispose]();
    assert.equal((await skerry.skerry("down")).status, 0);
    const unmounted = await run(["umount", disk]);
    assert.equal(unmounted.status, 0, unmounted.stderr);
    await skerry.dispose();
  });

  for (const part of ["edgecore", "cloudcore", "control plane", "containerd", "mosquitto"])
    test(`${part} killed with -9 comes back; what was accepted before is there, no container is touched`, async () => {
      const before = await node.containers();
      const accepted = await node.report();
      await node.kill(part);
      await node.reported(accepted);
      await node.settled();
      assert.deepEqual(await node.containers(), before);
      await node.assertAppAnswers();
    });

  test("all parts killed with -9 together come back; what was accepted before is there, no container is touched", async () => {
    const before = await node.containers();
    await node.desire("1001");
    const accepted = await node.report();
    await node.kill("edgecore", "cloudcore", "control plane", "containerd", "mosquitto");
    await node.reported(accepted);
    await node.delta("1001");
    await node.settled();
    assert.deepEqual(await node.containers(), before);
    await node.assertAppAnswers();
  });

  for (const part of ["edgecore", "cloudcore"])
    test(`${part} frozen for 30 s goes on; changes of both sides meanwhile arrive, no container is touched`, async () => {
      const before = await node.containers();
      const frozen = await node.processOf(part);
      process.kill(frozen, "SIGSTOP");
      const desired = part === "edgecore" ? "2001" : "2002";
      let published: string;
      try {
        published = await node.publish();
        await node.desire(desired);
        await delay(FROZEN_MS);
      } finally {
        process.kill(frozen, "SIGCONT");
      }
      await node.reported(published);
      await node.delta(desired);
      await node.settled();
      assert.equal(await node.processOf(part), frozen);
      assert.deepEqual(await node.containers(), before);
    });

  suite("on a faulty cable", () => {
    let cable: FaultyCable;
    const configuration = (): string => join(disk, "edgecore.yaml");
    let original: string;

    before(async () => {
      original = readFileSync(configuration(), "utf8");
      const port = Number(/"server": "127\.0\.0\.1:(\d+)"/.exec(original)?.[1]);
      assert.ok(port > 0, "CloudHub's port is in edgecore.yaml");
      cable = await FaultyCable.start(port);
      writeFileSync(configuration(), original.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${cable.port}`));
      await node.kill("edgecore");
      await node.settled();
    });

    after(async () => {
      writeFileSync(configuration(), original);
      await cable[Symbol.asyncDispose]();
      await node.kill("edgecore");
      await node.settled();
    });

    for (const direction of ["up", "down"] as const)
      test(`a link that is half-open (nothing goes ${direction}) is found; afterwards both sides agree`, async () => {
        const before = await node.containers();
        const logged = node.edgeLog().length;
        cable.block(direction);
        const accepted = await node.report();
        const desired = direction === "up" ? "3001" : "3002";
        await node.desire(desired);
        await waitUntil("EdgeCore has found out", async () =>
          node.edgeLog().slice(logged).includes("The link to the cloud is down"),
        );
        await node.assertAppAnswers();
        cable.unblock(direction);
        await node.reported(accepted);
        await node.delta(desired);
        await node.settled();
        assert.deepEqual(await node.containers(), before);
      });

    test("a link with 1 s delay each way works and is not taken for a broken one", async () => {
      cable.delay(1000);
      await node.kill("edgecore");
      await node.settled();
      const logged = node.edgeLog().length;
      const accepted = await node.report();
      await node.desire("3003");
      await node.reported(accepted);
      await node.delta("3003");
      await delay(15_000);
      assert.doesNotMatch(node.edgeLog().slice(logged), /The link to the cloud is down/);
      cable.delay(0);
    });
  });

  test("a full disk is told, nothing accepted is lost, and all goes on when there is space again", async () => {
    const before = await node.containers();
    const restarts = (await node.parts()).map((part) => part.restarts);
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    let accepted = await node.report();
    const ballast = join(disk, "ballast");
    fill(ballast);
    // SQLite may have some space left in its files.
    const refused = await waitUntil("a value is refused because of the disk", async () => {
      const { value, answer } = await node.tryReport();
      if (answer.code === undefined) accepted = value;
      return answer.code === undefined ? undefined : answer;
    });
    assert.match(refused.reason ?? "", /full|space/i);
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    await node.desire("4001");
    await node.assertAppAnswers();
    rmSync(ballast);
    await node.reported(accepted);
    await node.delta("4001");
    await node.settled();
    assert.match(node.edgeLog(), /STORE_DISK_FULL/);
    assert.deepEqual(
      (await node.parts()).map((part) => part.restarts),
      restarts,
      "no process ended",
    );
    assert.deepEqual(await node.containers(), before);
  });

  test("a damaged database of the node is told and moved aside; the cloud fills a new one, containers are adopted", async () => {
    const before = await node.containers();
    await node.desire("5001");
    await node.delta("5001");
    const edgecore = await node.processOf("edgecore");
    process.kill(edgecore, "SIGSTOP"); // Not to write while its files are damaged.
    for (const name of readdirSync(disk).filter((entry) => /^edgecore\.db(-wal)?$/.test(entry)))
      writeFileSync(join(disk, name), Buffer.alloc(statSync(join(disk, name)).size, 0x55));
    await node.kill("edgecore");
    await node.settled();
    assert.equal(readdirSync(disk).filter((name) => name.startsWith("edgecore.db.damaged-")).length, 1);
    assert.match(node.edgeLog(), /STORE_DATABASE_CORRUPT/);
    assert.deepEqual(await node.containers(), before);
    await node.assertAppAnswers();
    await node.desire("5002");
    await node.delta("5002");
  });
});

/** Writes until the disk takes no byte more. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [1024 * 1024, 4096, 1])
      for (;;) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) break;
        } catch {
          break;
        }
      }
  } finally {
    closeSync(file);
  }
}

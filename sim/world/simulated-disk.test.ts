import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "./seeded-random.ts";
import { type CommitFault, SimulatedDisk } from "./simulated-disk.ts";
import { VirtualClock } from "./virtual-clock.ts";

const migrations = ["CREATE TABLE item (name TEXT PRIMARY KEY)"];

for (const fault of ["crash-before-commit", "crash-after-commit"] as const) {
  test(`SimulatedDisk answers nobody and ${fault === "crash-before-commit" ? "loses" : "keeps"} the work at ${fault}`, async () => {
    const clock = new VirtualClock();
    let next: CommitFault | undefined;
    const disk = new SimulatedDisk(clock, new SeededRandom(1), {
      draw: () => next,
      powerLoss: () => disk.losePower(),
    });
    const first = await disk.open("edge.db", migrations);
    const answers: string[] = [];
    void first.transaction((tx) => tx.run("INSERT INTO item VALUES ('a')")).then(() => answers.push("a"));
    await clock.advance(100);
    next = fault;
    void first
      .transaction((tx) => tx.run("INSERT INTO item VALUES ('b')"))
      .then(
        () => answers.push("b"),
        () => answers.push("b failed"),
      );
    await clock.advance(100);
    assert.deepEqual(answers, ["a"]);
    const second = await disk.open("edge.db", migrations);
    const names = second.read((reader) => reader.all("SELECT name FROM item ORDER BY name")).map((row) => row["name"]);
    assert.deepEqual(names, fault === "crash-before-commit" ? ["a"] : ["a", "b"]);
    disk.destroy();
  });
}

// `skerry controlplane` under load is killed at random moments and started again on its data; then the history of all
// that its clients did and saw is checked.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { randomInteger } from "@skerry/base";
import { SeededRandom } from "@skerry/base/testing";
import { checkApiHistory } from "../support/api-history/check-api-history.ts";
import {
  type ClientPorts,
  listWhole,
  runLister,
  runWatcher,
  runWriter,
  type WatchHabit,
  writeOnce,
} from "../support/api-history/clients.ts";
import { HistoryRecorder } from "../support/api-history/history-recorder.ts";
import { KilledServer } from "../support/api-history/killed-server.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:long` takes 200. */
const KILLS = Number(process.env["SKERRY_API_KILLS"] ?? 10);
const SEED = Number(process.env["SKERRY_API_KILLS_SEED"] ?? 1);
const WRITERS = 6;
/** Writes that are sent between two kills, at most. */
const MOST_WRITES_BETWEEN = 60;
/** One kill in so many is followed by kills of the successor while it starts. */
const KILLED_STARTS_EVERY = 5;
const LONGEST_START_MS = 1_000;
/** A kill takes four seconds on an idle machine. */
const TIMEOUT_MS = 600_000 + KILLS * 30_000;

const WATCHES: readonly WatchHabit[] = [
  { watcher: "steady", prefix: "" },
  { watcher: "steady, one side", prefix: "left-" },
  { watcher: "leaving", prefix: "", mostEvents: 30 },
  { watcher: "looking back", prefix: "", mostEvents: 100, looksBack: true },
];

const NAME = `${KILLS} kills under load lose no acknowledged write, reuse no revision and leave no gap in a watch`;
test(NAME, { timeout: TIMEOUT_MS }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-api-kills-"));
  context.diagnostic(`seed ${SEED}`);
  const [stopWriting, stopWatching] = [new AbortController(), new AbortController()];
  try {
    await using server = await KilledServer.start(folder);
    const { revision } = await listWhole(await server.api());
    const recorder = new HistoryRecorder(revision);
    let seed = SEED;
    const ports = (stop: AbortSignal): ClientPorts => ({ server, recorder, random: new SeededRandom(++seed), stop });
    const writers = Array.from({ length: WRITERS }, (_, index) => runWriter(`w${index}`, ports(stopWriting.signal)));
    const others = [runLister(ports(stopWatching.signal))].concat(
      WATCHES.map((habit) => runWatcher(habit, ports(stopWatching.signal))),
    );
    const failed = Promise.all([...writers, ...others]).then(() => new Promise<never>(() => {}));
    failed.catch(() => {}); // Whoever waits below is told.
    await Promise.race([failed, killAgainAndAgain(server, recorder, new SeededRandom(SEED), stopWriting.signal)]);

    stopWriting.abort();
    await Promise.all(writers);
    const last = await Promise.race([failed, writeLast(server, recorder, stopWatching.signal)]);
    const seenBy = (wanted: string): number =>
      recorder.watches
        .filter(({ watcher }) => watcher === wanted)
        .flatMap(({ changes }) => changes)
        .reduce((highest, { revision }) => Math.max(highest, revision), 0);
    try {
      const allHaveSeen = waitUntil(
        "all watches have seen the last write",
        async () => stopWatching.signal.aborted || WATCHES.every(({ watcher }) => seenBy(watcher) >= last),
      );
      await Promise.race([failed, allHaveSeen]);
    } catch (error) {
      context.diagnostic(`of ${last}: ${WATCHES.map(({ watcher }) => `${watcher} ${seenBy(watcher)}`).join(", ")}`);
      throw error;
    }
    recorder.lists.push(await listWhole(await server.api()));
    stopWatching.abort();
    await Promise.all(others);

    const violations = checkApiHistory(recorder);
    const outcomes = Map.groupBy(recorder.writes, ({ outcome }) => outcome.type);
    const counted = [...outcomes].map(([type, records]) => `${type} ${records.length}`).join(", ");
    const events = recorder.watches.reduce((sum, { changes }) => sum + changes.length, 0);
    context.diagnostic(
      `${KILLS} kills, ${recorder.writes.length} writes (${counted}), ${events} events in ${recorder.watches.length} watch connections, ${recorder.lists.length} lists`,
    );
    assert.deepEqual(violations.slice(0, 20), [], `seed ${SEED}: ${violations.length} violations`);
    assert.ok(recorder.lists.length > KILLS && events > recorder.writes.length, "the load did not reach the server");
  } finally {
    stopWriting.abort();
    stopWatching.abort();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Writes what every watch selects, until it is acknowledged: on a busy machine an answer may be missing. Returns its revision. */
async function writeLast(server: KilledServer, recorder: HistoryRecorder, stop: AbortSignal): Promise<number> {
  const random = new SeededRandom(SEED);
  for (let count = 0; !stop.aborted; count++) {
    const value = `the last one, ${count}`;
    await writeOnce(await server.api(), recorder, random, "left-end", value);
    const { outcome } = recorder.writes.at(-1) ?? {};
    if (outcome?.type === "acknowledged" && outcome.state.value === value) return outcome.state.revision;
  }
  return Number.NaN; // Nobody waits for it any more.
}

async function killAgainAndAgain(
  server: KilledServer,
  recorder: HistoryRecorder,
  random: SeededRandom,
  stop: AbortSignal,
): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    const goal = recorder.sentCount + 5 + randomInteger(random, MOST_WRITES_BETWEEN);
    while (recorder.sentCount < goal && !stop.aborted) await delay(1);
    if (stop.aborted) return;
    // Also somewhere between two writes' answers.
    await delay(randomInteger(random, 10));
    const starts = randomInteger(random, KILLED_STARTS_EVERY) === 0 ? 1 + randomInteger(random, 2) : 0;
    await server.kill(Array.from({ length: starts }, () => randomInteger(random, LONGEST_START_MS)));
  }
}

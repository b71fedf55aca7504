import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { CertificateRotation } from "./certificate-rotation.ts";

const DAY_MS = 86_400_000;

test("CloudCore's authorities are asked for at a connection, but not when it has named the only one that is trusted", async () => {
  const clock = new ManualClock();
  let asked = 0;
  await using rotation = new CertificateRotation({
    enrolment: {
      renewalTimeMs: async () => clock.now() + 100 * DAY_MS,
      trustsOnly: async (hash) => hash === "ours",
      followAuthorities: async () => {
        asked++;
      },
      renew: async () => undefined,
    },
    renewed: async () => undefined,
    clock,
    random: new SeededRandom(),
    logger: silentLogger,
  });
  await rotation.start();
  await settle();
  for (const [hash, expected] of [
    ["ours", 0],
    ["another", 1],
    [undefined, 2],
    ["ours", 2],
  ] as const) {
    rotation.lookAtAuthorities(hash);
    await settle();
    await clock.advance(10_000);
    assert.equal(asked, expected, String(hash));
  }
  await clock.advance(DAY_MS);
  assert.ok(asked > 2, "from time to time it is asked whatever was named");
});

test("authorities that could not be asked for are asked for again soon, less and less often, and at a connection at once", async () => {
  const clock = new ManualClock();
  const askedAtMs: number[] = [];
  let isThere = false;
  let holding: Promise<void> | undefined;
  await using rotation = new CertificateRotation({
    enrolment: {
      renewalTimeMs: async () => clock.now() + 100 * DAY_MS,
      trustsOnly: async () => false,
      followAuthorities: async () => {
        askedAtMs.push(clock.now());
        await holding;
        if (!isThere) throw new Error("CloudCore is not there");
      },
      renew: async () => undefined,
    },
    renewed: async () => undefined,
    clock,
    random: new SeededRandom(),
    logger: silentLogger,
  });
  await rotation.start();
  await settle();
  rotation.lookAtAuthorities(undefined);
  await settle();
  await clock.advance(60_000);
  assert.ok(askedAtMs.length >= 3, `${askedAtMs.length} times in the first minute`);
  await clock.advance(12 * 3_600_000);
  const beforeConnection = askedAtMs.length;
  assert.ok(beforeConnection >= 12 && beforeConnection <= 30, `${beforeConnection} times in twelve hours`);
  rotation.lookAtAuthorities(undefined);
  await settle();
  await clock.advance(60_000);
  assert.ok(askedAtMs.length >= beforeConnection + 3, "it starts over at a connection");
  isThere = true;
  await clock.advance(3_600_000);
  const answered = askedAtMs.length;
  await clock.advance(3_600_000);
  assert.equal(askedAtMs.length, answered, "an answer ends it");
  const held = Promise.withResolvers<void>();
  holding = held.promise;
  rotation.lookAtAuthorities(undefined);
  await settle();
  await clock.advance(10_000);
  rotation.lookAtAuthorities("another");
  held.resolve();
  await settle();
  await clock.advance(10_000);
  assert.equal(askedAtMs.length, answered + 2, "a connection during the question is looked at, too");
});

test("a certificate is renewed when it is due, tried again while that fails, and renewed again in its time", async () => {
  const clock = new ManualClock();
  const startMs = clock.now();
  const renewedAtDays: number[] = [];
  let dueMs = startMs + 100 * DAY_MS;
  let failures = 3;
  const toldRenewals: number[] = [];
  await using rotation = new CertificateRotation({
    enrolment: {
      renewalTimeMs: async () => dueMs,
      trustsOnly: async () => false,
      followAuthorities: async () => {
        if (failures > 0) throw new Error("CloudCore is not there");
      },
      renew: async () => {
        if (failures-- > 0) throw new Error("CloudCore is not there");
        renewedAtDays.push((clock.now() - startMs) / DAY_MS);
        dueMs = clock.now() + 100 * DAY_MS;
      },
    },
    clock,
    random: new SeededRandom(),
    logger: silentLogger,
    renewed: async () => {
      toldRenewals.push(renewedAtDays.length);
    },
  });
  await rotation.start();
  await settle();
  await clock.advance(99 * DAY_MS);
  assert.equal(failures, 3, "not before it is due");
  await clock.advance(2 * DAY_MS);
  assert.equal(renewedAtDays.length, 1);
  assert.ok((renewedAtDays[0] ?? 0) >= 100 && (renewedAtDays[0] ?? 0) < 100.1);
  await clock.advance(100 * DAY_MS);
  assert.equal(renewedAtDays.length, 2);
  assert.ok(
    [1, 2].every((renewals) => toldRenewals.includes(renewals)),
    "who uses the key hears of each",
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "@skerry/base/testing";
import { CloudAddresses } from "./cloud-addresses.ts";

test("a fleet with one list begins at every address of it", () => {
  const first = new Set(
    Array.from({ length: 50 }, (_, seed) => new CloudAddresses(["a", "b", "c"], new SeededRandom(seed)).current),
  );
  assert.deepEqual([...first].sort(), ["a", "b", "c"]);
});

test("each address is tried once before a pause, and the last good one first after a loss", () => {
  const addresses = new CloudAddresses(["a", "b", "c", "b"], new SeededRandom(1));
  assert.equal(addresses.count, 3);
  const round = [addresses.current];
  assert.equal(addresses.hasUntried, true);
  assert.equal(addresses.failed(), true);
  round.push(addresses.current);
  assert.equal(addresses.failed(), true);
  round.push(addresses.current);
  assert.equal(addresses.hasUntried, false);
  assert.equal(addresses.failed(), false);
  assert.deepEqual(round.sort(), ["a", "b", "c"]);
  assert.equal(addresses.failed(), true);
  const good = addresses.current;
  addresses.succeeded();
  assert.equal(addresses.current, good);
  assert.equal(addresses.failed(), true);
  assert.notEqual(addresses.current, good);
});

test("a single address is dialled again and again, with a pause each time", () => {
  const addresses = new CloudAddresses(["a"], new SeededRandom(1));
  assert.equal(addresses.hasUntried, false);
  assert.equal(addresses.failed(), false);
  assert.equal(addresses.current, "a");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NodeKeySeal } from "./node-key-seal.ts";

const bytes = (fill: number): Uint8Array => new Uint8Array(48).fill(fill);
const sealOf = (key: Uint8Array | undefined): NodeKeySeal => new NodeKeySeal(async () => key);

test("whatever is sealed is opened with the same key at the same place, and nothing of it shows", async () => {
  const seal = sealOf(bytes(1));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.string(), async (value, place) => {
      const sealed = await seal.seal(value, place);
      assert.ok(sealed);
      assert.deepEqual(await sealOf(bytes(1)).open(sealed, place), { value, isOfOlderKey: false });
      if (value.length >= 4) assert.ok(!Buffer.from(sealed).includes(value));
      assert.notDeepEqual(sealed, await seal.seal(value, place), "a nonce is never used twice");
    }),
  );
});

test("what is damaged, cut, of another place or of another node opens as nothing", async () => {
  const seal = sealOf(bytes(1));
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (value, position, change) => {
      const sealed = new Uint8Array((await seal.seal(value, "place")) ?? []);
      const damaged = sealed.map((byte, index) => (index === position % sealed.length ? byte ^ change : byte));
      assert.equal(await seal.open(damaged, "place"), undefined);
      assert.equal(await seal.open(sealed.subarray(0, position % sealed.length), "place"), undefined);
      assert.equal(await seal.open(sealed, "another place"), undefined);
      assert.equal(await sealOf(bytes(2)).open(sealed, "place"), undefined);
    }),
  );
});

test("a node without a key seals nothing and opens nothing", async () => {
  const sealed = await sealOf(bytes(1)).seal("value", "place");
  assert.equal(await sealOf(undefined).seal("value", "place"), undefined);
  assert.equal(await sealOf(undefined).open(sealed ?? new Uint8Array(), "place"), undefined);
});

test("what the key before the present one sealed is opened while the process runs; older ones are not", async () => {
  let key = bytes(1);
  const seal = new NodeKeySeal(async () => key);
  const first = (await seal.seal("value", "place")) ?? new Uint8Array();
  key = bytes(2);
  assert.deepEqual(await seal.open(first, "place"), { value: "value", isOfOlderKey: true });
  key = bytes(3);
  assert.equal(await seal.open(first, "place"), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeCoils, decodeRegisters, encodeCoils, encodeRegisters, type RegisterLayout } from "./registers.ts";

const plain: RegisterLayout = { limit: 1, isSwap: false, isRegisterSwap: false, format: "auto" };

test("registers are read in KubeEdge's way: big-endian, with bytes and registers swapped on demand", () => {
  assert.equal(decodeRegisters([0x1234], "int", plain), 0x1234);
  assert.equal(decodeRegisters([0x1234], "int", { ...plain, isSwap: true }), 0x3412);
  assert.equal(decodeRegisters([0x1234, 0x5678], "int", { ...plain, limit: 2 }), 0x12345678);
  assert.equal(decodeRegisters([0x1234, 0x5678], "int", { ...plain, limit: 2, isRegisterSwap: true }), 0x56781234);
  const both = { ...plain, limit: 2, isSwap: true, isRegisterSwap: true };
  assert.equal(decodeRegisters([0x1234, 0x5678], "int", both), 0x78563412);
});

test("a float of one register is its number, of two or four an IEEE 754 number", () => {
  assert.equal(decodeRegisters([213], "float", plain), 213, "to be scaled");
  assert.equal(decodeRegisters([0x41aa, 0x6666], "float", { ...plain, limit: 2 }), 21.3);
  assert.equal(decodeRegisters([0x41aa, 0x6666], "float", { ...plain, limit: 2, format: "unsigned" }), 0x41aa6666);
  assert.equal(decodeRegisters([0x4035, 0x4ccc, 0xcccc, 0xcccd], "double", { ...plain, limit: 4 }), 21.3);
});

test("signed numbers, texts, bytes and booleans", () => {
  assert.equal(decodeRegisters([0xffff], "int", { ...plain, format: "signed" }), -1);
  assert.equal(decodeRegisters([0xffff], "int", plain), 65_535);
  assert.equal(decodeRegisters([0x4142, 0x4300], "string", { ...plain, limit: 2 }), "ABC");
  assert.equal(decodeRegisters([2], "boolean", plain), true);
  assert.deepEqual(decodeRegisters([0x01ff], "bytes", plain), new Uint8Array([1, 255]));
  assert.equal(decodeCoils([true], "int"), 1);
  assert.equal(decodeCoils([false], "boolean"), false);
  assert.equal(decodeCoils([true, false, true], "int"), 5);
});

test("a value that does not fit is refused", () => {
  assert.throws(() => encodeRegisters(65_536, "int", plain), /does not fit/);
  assert.throws(() => encodeRegisters(-1, "int", plain), /does not fit/);
  assert.throws(() => encodeRegisters(40_000, "int", { ...plain, format: "signed" }), /does not fit/);
  assert.throws(() => encodeRegisters("ABC", "string", plain), /do not fit/);
  assert.throws(() => encodeCoils(2, 1), /does not fit/);
});

test("what is written is read back", () => {
  const layouts = fc.record({
    limit: fc.constantFrom(1, 2, 3, 4),
    isSwap: fc.boolean(),
    isRegisterSwap: fc.boolean(),
    format: fc.constantFrom("auto", "unsigned", "signed", "float"),
  });
  fc.assert(
    fc.property(layouts, fc.nat(32_767), (layout, value) => {
      assert.equal(decodeRegisters(encodeRegisters(value, "int", layout), "int", layout), value);
    }),
  );
  fc.assert(
    fc.property(layouts, fc.float({ noNaN: true, noDefaultInfinity: true }), (layout, value) => {
      const wide: RegisterLayout = { ...layout, limit: layout.limit < 3 ? 2 : 4, format: "float" };
      const read = Number(decodeRegisters(encodeRegisters(value, "float", wide), "float", wide));
      assert.equal(Math.fround(read), value === 0 ? read : value);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 16 }), fc.nat(65_535), (limit, seed) => {
      const value = seed % 2 ** limit;
      assert.equal(decodeCoils(encodeCoils(value, limit), "int"), value);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { toBase64 } from "@skerry/base";
import fc from "fast-check";
import { base64Fault } from "./base64-fault.ts";

test("base64 has no fault when it is padded and whole, line ends aside", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => base64Fault(toBase64(bytes)) === undefined));
  assert.equal(base64Fault("aGVs\r\nbG8=\n"), undefined);
});

test("base64 is told to be wrong where Go's decoder finds it", () => {
  const faults: readonly (readonly [string, number])[] = [
    ["my secret!", 2],
    ["password1", 8],
    ["aGk", 0],
    ["a===", 1],
    ["aa=", 3],
    ["aa=a", 2],
    ["aGk=aGk=", 4],
  ];
  for (const [text, at] of faults) assert.equal(base64Fault(text), at, text);
});

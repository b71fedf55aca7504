import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { ipAddressOf, ipNetworkOf, isWithin } from "./ip-address.ts";

test("a text is an address when Node.js takes it for one", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{1,20}$/)), (text) => {
      // A zone is none of the address, and leading zeros of a group of digits are read as Kubernetes reads old objects.
      if (text.includes("%") || /(^|\.)0\d/.test(text)) return;
      assert.equal(ipAddressOf(text) !== undefined, isIP(text) !== 0, text);
    }),
  );
});

test("a network holds its own addresses and smaller networks, and no others", () => {
  const network = ipNetworkOf("10.96.0.0/16");
  assert.ok(network);
  const holds = (text: string): boolean => {
    const inner = ipAddressOf(text) ?? ipNetworkOf(text);
    assert.ok(inner, text);
    return isWithin(inner, network);
  };
  assert.deepEqual(["10.96.3.4", "10.96.1.0/24", "10.96.0.0/16"].map(holds), [true, true, true]);
  assert.deepEqual(["10.97.0.1", "10.0.0.0/8", "::10.96.3.4"].map(holds), [false, false, false]);
  for (const wrong of ["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/-1", "1::2::3/8"])
    assert.equal(ipNetworkOf(wrong), undefined, wrong);
});

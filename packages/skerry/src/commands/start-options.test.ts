import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { subnetOption } from "./start-options.ts";

test("pods' ranges are taken as they are written", () => {
  for (const text of [
    "10.99.0.0/24",
    "10.99.0.16/28",
    "10.99.0.0/24,fd00:99::/64",
    "10.99.0.0/24,fd00:99:0:0:8000::/65",
    "10.99.0.0/24,2001:db8:0:1:0:0:10.99.0.0/112",
  ])
    assert.equal(subnetOption(text), text);
});

test("what pods cannot have addresses of is told before anything starts: no first address, of links, with a zone", () => {
  for (const text of [
    "10.99.0.5/24",
    "10.99.0.8/28",
    "10.99.0.0/29",
    "fd00:99::/64",
    "10.99.0.0/24,fd00:99::5/64",
    "10.99.0.0/24,fd00:99:0:0:8000::/64",
    "10.99.0.0/24,fd00:99::/113",
    "10.99.0.0/24,fe80::/64",
    "10.99.0.0/24,febf::/64",
    "10.99.0.0/24,ff02::/64",
    "10.99.0.0/24,fd00:99::%eth0/64",
    "10.99.0.0/24,fd00:99::/64,fd00:98::/64",
  ])
    assert.throws(
      () => subnetOption(text),
      (error) => isSkerryError(error, "SKERRY_USAGE") && error.message.includes(text),
      text,
    );
});

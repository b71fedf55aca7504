import assert from "node:assert/strict";
import { test } from "node:test";
import { overlaps, parseSubnet, routes6, usedSubnets } from "./subnets.ts";

test("subnets of both families are read, and single addresses too", () => {
  assert.deepEqual(parseSubnet("10.244.1.77/24"), { address: "10.244.1.77", prefixLength: 24 });
  assert.deepEqual(parseSubnet("192.0.2.2"), { address: "192.0.2.2", prefixLength: 32 });
  assert.deepEqual(parseSubnet("fd00:7::/64"), { address: "fd00:7::", prefixLength: 64 });
  assert.deepEqual(parseSubnet("fd00:7::1"), { address: "fd00:7::1", prefixLength: 128 });
});

test("two subnets overlap when one holds the other, whichever is named first", () => {
  const cases: [string, string, boolean][] = [
    ["10.244.1.77/24", "10.244.1.0/28", true],
    ["10.244.1.0/24", "10.244.2.0/24", false],
    ["10.0.0.0/8", "10.244.2.9/32", true],
    ["fd00:7::/64", "fd00:7::5/128", true],
    ["fd00:7::/64", "fd00:8::/64", false],
    ["0.0.0.0/0", "fd00:8::/64", false],
  ];
  for (const [one, other, expected] of cases) {
    assert.equal(overlaps(parseSubnet(one), parseSubnet(other)), expected, `${one} ${other}`);
    assert.equal(overlaps(parseSubnet(other), parseSubnet(one)), expected, `${other} ${one}`);
  }
});

test("the loopback's subnet is among those in use", () => {
  assert.ok(usedSubnets().some((used) => overlaps(used, parseSubnet("127.0.0.1"))));
});

test("a route of IPv6 that refuses takes no addresses, and the default route neither", () => {
  const zero = "0".repeat(32);
  const line = (destination: string, length: string, flags: string, name: string): string =>
    `${destination.padEnd(32, "0")} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags} ${name}`;
  const routes = [
    line("fc", "07", "00200200", "lo"),
    line("", "00", "00000003", "eth0"),
    line("fd000007", "40", "00000001", "eth0"),
    line("fe80", "40", "00000001", "eth0"),
  ];
  assert.deepEqual(routes6(routes.join("\n")), [
    { address: "fd00:0007:0000:0000:0000:0000:0000:0000", prefixLength: 64 },
  ]);
});

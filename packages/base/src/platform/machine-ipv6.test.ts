import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseIpv6Address, defaultIpv6Interfaces } from "./machine-ipv6.ts";

const ZERO = "0".repeat(32);
const ROUTES = [
  `${ZERO} 00 ${ZERO} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     wlan0`,
  `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo`,
  `fd000000000000000000000000000000 40 ${ZERO} 00 ${ZERO} 00000100 00000001 00000000 00000001     eth0`,
].join("\n");
const eth0 = "fd000000000000000000000000000002 04 40 00 80     eth0";
const wlan0 = "20010db8000000000000000000000007 05 40 00 80    wlan0";
const temporary = "20010db8000000000000000000001234 05 40 00 01    wlan0";
const tentative = "20010db8000000000000000000000008 05 40 00 40    wlan0";
const link = "fe80000000000000000000000000abcd 04 40 20 80     eth0";
const bridge = "fd120000000000000000000000000001 06 40 00 80 skr-0a1b2c3d";
const loopback = "00000000000000000000000000000001 01 80 10 80       lo";

test("the machine's IPv6 address is a lasting one, where its default route is if there is a choice", () => {
  const choose = (...lines: string[]): string | undefined => chooseIpv6Address(`${lines.join("\n")}\n`, ROUTES);
  assert.equal(choose(eth0, temporary, tentative, wlan0), "2001:db8::7");
  assert.equal(choose(loopback, link, eth0), "fd00::2");
});

test("a machine with nothing but link-local, loopback and containers' addresses has no IPv6 address", () => {
  assert.equal(chooseIpv6Address([loopback, link, bridge, temporary].join("\n"), ROUTES), undefined);
  assert.equal(chooseIpv6Address("", ""), undefined);
});

test("a default route that refuses leads nowhere", () => {
  assert.deepEqual(defaultIpv6Interfaces(ROUTES), ["wlan0"]);
});

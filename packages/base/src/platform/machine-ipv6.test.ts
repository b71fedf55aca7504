import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseIpv6Address, defaultIpv6Interfaces, settledIpv6Address } from "./machine-ipv6.ts";
import { systemClock } from "./system-clock.ts";

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

test("tunnels and bridges of virtual machines are no way to the machine, but where its default route is", () => {
  const addressOf = (name: string): string => `fd120000000000000000000000000001 06 40 00 80 ${name}`;
  const route = (name: string): string => `${ZERO} 00 ${ZERO} 00 fe8${"0".repeat(28)}1 0 0 0 00000003 ${name}`;
  for (const name of ["lxdbr0", "incusbr0", "podman1", "cali12ab", "tailscale0", "wg0", "br-lan", "docker0"]) {
    assert.equal(chooseIpv6Address(addressOf(name), ""), undefined, name);
    assert.equal(chooseIpv6Address([addressOf(name), eth0].join("\n"), ""), "fd00::2", name);
    assert.equal(chooseIpv6Address([eth0, addressOf(name)].join("\n"), route(name)), "fd12::1", name);
  }
});

test("an address that is still tried out is waited for, and one that failed is not", async () => {
  const said = [tentative, tentative, tentative.replace(" 40    wlan0", " 00    wlan0")];
  const address = await settledIpv6Address(systemClock, () => ({ addresses: said.shift() ?? "", routes: ROUTES }));
  assert.deepEqual([address, said], ["2001:db8::8", []]);
  const failed = [tentative.replace(" 40    wlan0", " 48    wlan0"), eth0];
  const none = await settledIpv6Address(systemClock, () => ({ addresses: failed.shift() ?? "", routes: ROUTES }));
  assert.deepEqual([none, failed], [undefined, [eth0]]);
});

test("a default route that refuses leads nowhere", () => {
  assert.deepEqual(defaultIpv6Interfaces(ROUTES), ["wlan0"]);
});

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { preparePodNetwork } from "./pod-network.ts";
import { overlaps, parseSubnet } from "./subnets.ts";

test("the pods' network overlaps no address of the machine and stays the same at the next start", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const network = preparePodNetwork(folder);
  for (const { cidr } of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
    if (cidr !== null)
      assert.ok(!overlaps(parseSubnet(cidr), parseSubnet(network.subnet)), `${network.subnet} overlaps ${cidr}`);
  assert.ok(network.bridge.length <= 15, "the kernel's limit for interface names");
  assert.deepEqual(preparePodNetwork(folder), network);
  const written = JSON.parse(readFileSync(join(folder, "conf/10-skerry.conflist"), "utf8"));
  assert.equal(written.plugins[0].bridge, network.bridge);
});

test("a wanted subnet that overlaps the machine's own network is refused", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const subnet of ["127.0.0.0/24", "127.0.0.0/16"])
    assert.throws(
      () => preparePodNetwork(folder, { ipv4: subnet }),
      (error) => isSkerryError(error, "SKERRY_SUBNET_IN_USE") && error.message.includes(subnet),
    );
});

test("a subnet that the machine has come to use since the last start is replaced", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const network = preparePodNetwork(folder);
  writeFileSync(join(folder, "network.json"), JSON.stringify({ ...network, subnet: "127.0.0.0/24" }));
  assert.notEqual(preparePodNetwork(folder).subnet, "127.0.0.0/24");
});

test("pods have IPv6 only where it is wanted, the same at each start, from the range for local use", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const ipamOf = (): { ranges: { subnet: string }[][]; routes: { dst: string }[] } =>
    JSON.parse(readFileSync(join(folder, "conf/10-skerry.conflist"), "utf8")).plugins[0].ipam;
  const { ipv6 } = preparePodNetwork(folder, { ipv4: "10.250.9.0/24", ipv6: "any" }, []);
  assert.match(ipv6?.subnet ?? "", /^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/);
  assert.deepEqual(
    ipamOf().ranges.map(([range]) => range?.subnet),
    ["10.250.9.0/24", ipv6?.subnet],
  );
  assert.deepEqual(ipamOf().routes, [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]);
  assert.deepEqual(preparePodNetwork(folder, { ipv4: "10.250.9.0/24", ipv6: "any" }, []).ipv6, ipv6);
  assert.equal(preparePodNetwork(folder, { ipv6: "fd00:99::/64" }, []).ipv6?.subnet, "fd00:99::/64");
  assert.throws(
    () => preparePodNetwork(folder, { ipv6: "fd00:99::/64" }, [parseSubnet("fd00:99::7")]),
    (error) => isSkerryError(error, "SKERRY_SUBNET_IN_USE"),
  );
  assert.equal(preparePodNetwork(folder, {}).ipv6, undefined);
  assert.equal(ipamOf().ranges.length, 1);
});

test("pods go on with IPv4 where the machine's routes leave no range for IPv6 that nobody asked for", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const route of ["fc00::/7", "8000::/1"]) {
    const { subnet, ipv6 } = preparePodNetwork(folder, { ipv6: "any" }, [parseSubnet(route)]);
    assert.deepEqual([subnet, ipv6], ["10.244.1.0/24", undefined]);
  }
});

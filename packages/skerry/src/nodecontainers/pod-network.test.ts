import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { parseSubnet, preparePodNetwork, splitRule } from "./pod-network.ts";

test("a subnet's first and last address are found from any address in it", () => {
  assert.deepEqual(parseSubnet("10.244.1.77/24"), { first: 0x0af40100, last: 0x0af401ff });
  assert.deepEqual(parseSubnet("192.0.2.2/32"), { first: 0xc0000202, last: 0xc0000202 });
});

test("an iptables rule is split into its words, quoted comments included", () => {
  assert.deepEqual(
    splitRule(String.raw`POSTROUTING -s 10.244.1.2/32 -m comment --comment "name: \"net\" id: \"abc\"" -j CNI-1`),
    ["POSTROUTING", "-s", "10.244.1.2/32", "-m", "comment", "--comment", 'name: "net" id: "abc"', "-j", "CNI-1"],
  );
});

test("the pods' network overlaps no address of the machine and stays the same at the next start", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-network-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const network = preparePodNetwork(folder);
  const range = parseSubnet(network.subnet);
  for (const address of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (address.family !== "IPv4" || address.cidr === null) continue;
    const used = parseSubnet(address.cidr);
    assert.ok(used.last < range.first || used.first > range.last, `${network.subnet} overlaps ${address.cidr}`);
  }
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
      () => preparePodNetwork(folder, subnet),
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

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpFamily } from "@skerry/api";
import { serviceFamilies } from "./service-families.ts";

test("a Service has the families that it states, unless its addresses are of others", () => {
  const cases: [stated: IpFamily[], clusterIPs: string[], families: IpFamily[]][] = [
    [["IPv4"], ["10.96.1.1"], ["IPv4"]],
    [["IPv6"], ["10.96.1.1"], ["IPv4"]],
    [["IPv4", "IPv6"], ["10.96.1.1"], ["IPv4", "IPv6"]],
    [["IPv6", "IPv4"], ["10.96.1.1"], ["IPv4"]],
    [
      ["IPv4", "IPv6"],
      ["fd00::1", "10.96.1.1"],
      ["IPv6", "IPv4"],
    ],
    [["IPv6"], ["None"], ["IPv6"]],
    [["IPv6"], [""], ["IPv6"]],
    [[], ["10.96.1.1"], []],
  ];
  for (const [stated, clusterIPs, families] of cases) assert.deepEqual(serviceFamilies(stated, clusterIPs), families);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { joinFlags } from "./join-flags.ts";

test("KubeEdge's join flags, long and short, name the node and its cloud", () => {
  const cloud = {
    cloudHub: "192.0.2.7:10000",
    cloudHttps: "192.0.2.7:10002",
    cloudTunnel: "192.0.2.7:10004",
    token: "a.b",
  };
  assert.deepEqual(joinFlags(["-e", "192.0.2.7:10000", "-t", "a.b"], "machine").joining, {
    node: "machine",
    nodeLabels: {},
    cloud,
  });
  const flags =
    "--cloudcore-ipport=192.0.2.7:10000 --token=a.b --edgenode-name=n --certport=11002 --cgroupdriver=systemd";
  assert.deepEqual(joinFlags([...flags.split(" "), "-l", "site=harbour,hall=", "-l", "a=b"], "machine"), {
    joining: {
      node: "n",
      nodeLabels: { site: "harbour", hall: "", a: "b" },
      cloud: { ...cloud, cloudHttps: "192.0.2.7:11002" },
    },
    systemd: false,
    skipsPreflight: false,
    meaningless: ["cgroupdriver"],
  });
});

test("join flags that Skerry cannot follow are usage errors", () => {
  const good = ["-e", "192.0.2.7:10000", "-t", "a.b"];
  for (const flags of [
    [],
    ["-t", "a.b"],
    ["-e", "192.0.2.7:10000"],
    ["-e", "https://192.0.2.7:10000", "-t", "a.b"],
    [...good, "-i", "Not A Name"],
    [...good, "-s", "0"],
    [...good, "-l", "site"],
    [...good, "--hub-protocol", "quic"],
    [...good, "-p", "unix:///run/other.sock"],
  ])
    assert.throws(
      () => joinFlags(flags, "machine"),
      (error) => isSkerryError(error, "SKERRY_USAGE"),
      flags.join(" "),
    );
});

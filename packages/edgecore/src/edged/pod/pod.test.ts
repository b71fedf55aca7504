import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { isSkerryError } from "@skerry/base";
import { applyPatch } from "@skerry/kube";
import fc from "fast-check";
import { edgedConfig } from "../config.ts";
import { FakeFileSystem } from "../testing/fake-machine.ts";
import { hostsFile } from "./hosts-file.ts";
import { fittingResolution, nameResolution } from "./name-resolution.ts";
import { kernelHostName, podHostName } from "./pod-host-name.ts";
import { PodPaths } from "./pod-paths.ts";
import { RestartBackOff } from "./restart-back-off.ts";
import { containerHash, fingerprint } from "./runtime-names.ts";
import { podStatusPatch } from "./status-patch.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "u1" },
  spec: { containers: [{ name: "app", image: "app:1" }] },
};
const config = edgedConfig({ nodeName: "edge-1", rootDirectory: "/edged" });
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test("restart delays grow from 10 s to 5 min and start over after 10 quiet minutes", () => {
  let nowMs = 1_000_000;
  const backOff = new RestartBackOff({ monotonicMs: () => nowMs });
  const delays: number[] = [];
  for (let restart = 0; restart < 8; restart++) {
    delays.push(backOff.remainingMs("app", nowMs, nowMs));
    nowMs += delays.at(-1) ?? 0;
    backOff.restarted("app", nowMs, nowMs);
  }
  assert.deepEqual(delays, [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  assert.equal(backOff.remainingMs("app", nowMs + 600_001, nowMs + 600_001), 0);
});

test("a restart delay is never longer than its step, even when the clock was set back", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (shiftMs) => {
      let monotonicMs = 0;
      const backOff = new RestartBackOff({ monotonicMs: () => monotonicMs });
      backOff.restarted("app", 1e12, 1e12);
      const remainingMs = backOff.remainingMs("app", 1e12 + 1000, 1e12 + 1000 + shiftMs);
      assert.ok(remainingMs >= 0 && remainingMs <= 10_000);
      monotonicMs += remainingMs;
      assert.equal(backOff.remainingMs("app", 1e12 + 1000, 1e12 + 1000 + shiftMs + remainingMs), 0);
    }),
  );
});

test("a restart delay that has begun ends in its time when the clock is set back meanwhile", () => {
  let monotonicMs = 0;
  const backOff = new RestartBackOff({ monotonicMs: () => monotonicMs });
  backOff.restarted("app", 1e12, 1e12);
  assert.equal(backOff.remainingMs("app", 1e12 + 500, 1e12 + 500), 10_000);
  monotonicMs = 4_000;
  assert.equal(backOff.remainingMs("app", 1e12 + 500, 1e12 - 3_600_000), 6_000);
  monotonicMs = 10_000;
  assert.equal(backOff.remainingMs("app", 1e12 + 500, 1e12 - 3_594_000), 0);
});

test("a status patch replaces the pod's addresses and keeps conditions of others", () => {
  const before: Pod = {
    ...pod,
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      podIPs: [{ ip: "10.0.0.1" }],
      conditions: [
        { type: "Ready", status: "False", reason: "ContainersNotReady", message: "m" },
        { type: "Own", status: "True" },
      ],
    },
  };
  const body = JSON.parse(
    podStatusPatch("u1", {
      phase: "Running",
      podIP: "10.0.0.2",
      podIPs: [{ ip: "10.0.0.2" }],
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [],
    }),
  ) as Record<string, never>;
  const { status } = applyPatch(before, { type: "strategic", body });
  assert.deepEqual(status?.podIPs, [{ ip: "10.0.0.2" }]);
  assert.deepEqual(
    status?.conditions?.find(({ type }) => type === "Ready"),
    { type: "Ready", status: "True" },
  );
  assert.ok(status?.conditions?.some(({ type }) => type === "Own"));
});

test("only name and image make a container's fingerprint", () => {
  const [container] = pod.spec.containers;
  assert.ok(container);
  assert.equal(containerHash({ ...container, env: [{ name: "A", value: "1" }] }), containerHash(container));
  assert.notEqual(containerHash({ ...container, image: "app:2" }), containerHash(container));
});

test("fingerprints are what they always were: other ones would restart each node's containers and static pods", () => {
  assert.equal(containerHash({ name: "app", image: "app:1" }), "02e49fcc");
  assert.equal(fingerprint("edge-1\nweb.yaml\nä"), "6331856dc6ff7bbbfa0db3d1c84b507d");
});

test("names that could lead out of the pod's folder are refused", () => {
  for (const uid of ["../x", "", ".", "a/b", "..", "\0"])
    assert.throws(
      () => new PodPaths("/edged", "/logs", { namespace: "default", name: "web", uid }),
      (error) => isSkerryError(error, "EDGED_INVALID_POD"),
    );
  const paths = new PodPaths("/edged", "/logs", { namespace: "default", name: "web", uid: "u1" });
  assert.throws(
    () => paths.volume("configmap", "../../etc"),
    (error) => isSkerryError(error, "EDGED_INVALID_POD"),
  );
});

test("ClusterFirst falls back to the host's name servers, past the local stub resolver", async () => {
  const files = new FakeFileSystem();
  await files.makeDirectory("/etc", 0o755);
  await files.makeDirectory("/run/systemd/resolve", 0o755);
  await files.writeFile("/etc/resolv.conf", encode("nameserver 127.0.0.53\n"), 0o644);
  const real = "search lan.example\nnameserver 192.0.2.1 # router\noptions edns0\n";
  await files.writeFile("/run/systemd/resolve/resolv.conf", encode(real), 0o644);
  assert.deepEqual(await nameResolution(pod, config, files), {
    servers: ["192.0.2.1"],
    searches: ["lan.example"],
    options: ["edns0"],
  });
  const cluster = { ...config, clusterDns: ["10.96.0.10"] };
  const resolution = await nameResolution(pod, cluster, files);
  assert.deepEqual(resolution.servers, ["10.96.0.10"]);
  assert.equal(resolution.searches[0], "default.svc.cluster.local");
});

test("name servers and search domains beyond what programs take are cut, and the rest is told", () => {
  const searches = Array.from({ length: 40 }, (_, index) => `d${index}.example`);
  const servers = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  const { resolution, cut } = fittingResolution({ servers, searches, options: ["ndots:5"] });
  assert.deepEqual(resolution, { servers: servers.slice(0, 3), searches: searches.slice(0, 32), options: ["ndots:5"] });
  assert.match(
    cut.join("\n"),
    /search line is: d0\.example .* d31\.example\n.*nameserver line is: 192\.0\.2\.1 192\.0\.2\.2 192\.0\.2\.3$/,
  );
  const long = Array.from({ length: 20 }, (_, index) => `${"x".repeat(190)}${index}.example`);
  assert.deepEqual(
    fittingResolution({ servers: [], searches: long, options: [] }).resolution.searches,
    long.slice(0, 10),
  );
  const fits = { servers: servers.slice(0, 3), searches: searches.slice(0, 32), options: [] };
  assert.deepEqual(fittingResolution(fits), { resolution: fits, cut: [] });
});

test("dnsPolicy None uses the pod's own servers only", async () => {
  const dnsConfig = { nameservers: ["192.0.2.9"], options: [{ name: "ndots", value: "2" }] };
  const own = { ...pod, spec: { ...pod.spec, dnsPolicy: "None", dnsConfig } };
  assert.deepEqual(await nameResolution(own, config, new FakeFileSystem()), {
    servers: ["192.0.2.9"],
    searches: [],
    options: ["ndots:2"],
  });
});

test("the hosts file names the pod and its aliases", async () => {
  const hostAliases = [{ ip: "192.0.2.7", hostnames: ["db", "cache"] }];
  const text = new TextDecoder().decode(
    await hostsFile(
      { ...pod, spec: { ...pod.spec, hostAliases } },
      "cluster.local",
      ["10.0.0.5"],
      new FakeFileSystem(),
    ),
  );
  assert.match(text, /^10\.0\.0\.5\tweb$/m);
  assert.match(text, /^192\.0\.2\.7\tdb\tcache$/m);
});

test("a pod with a subdomain has a full name, and bears it as its host name only when it asks for it", async () => {
  const spec = { ...pod.spec, hostname: "web-0", subdomain: "plant" };
  const named = { ...pod, spec };
  const full = "web-0.plant.default.svc.cluster.local";
  assert.deepEqual(podHostName(named, "cluster.local"), { short: "web-0", full });
  const hosts = new TextDecoder().decode(await hostsFile(named, "cluster.local", ["10.0.0.5"], new FakeFileSystem()));
  assert.match(hosts, new RegExp(`^10\\.0\\.0\\.5\t${full}\tweb-0$`, "m"));
  assert.equal(kernelHostName(named, "cluster.local"), "web-0");
  assert.equal(kernelHostName({ ...pod, spec: { ...spec, setHostnameAsFQDN: true } }, "cluster.local"), full);
  const overridden = { ...pod, spec: { ...spec, hostnameOverride: "pump.plant" } };
  assert.equal(kernelHostName(overridden, "cluster.local"), "pump.plant");
});

test("a full name that is too long for the kernel is an error, a long pod name is cut", () => {
  const metadata = { ...pod.metadata, name: "n".repeat(80) };
  assert.equal(kernelHostName({ ...pod, metadata }, "cluster.local").length, 63);
  const spec = { ...pod.spec, subdomain: "plant", setHostnameAsFQDN: true };
  assert.throws(
    () => kernelHostName({ ...pod, metadata, spec }, "cluster.local"),
    (error) => isSkerryError(error, "EDGED_INVALID_POD"),
  );
});

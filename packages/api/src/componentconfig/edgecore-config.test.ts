import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError, type JsonValue } from "@skerry/base";
import { parse } from "yaml";
import { defaultEdgeCoreConfig, parseEdgeCoreConfig } from "./edgecore-config.ts";
import { edgeCoreDefaultConfigText, edgeCoreMinConfigText } from "./edgecore-config-text.ts";

const fixtures = join(import.meta.dirname, "../../../../fixtures/config");

function read(text: string): ReturnType<typeof parseEdgeCoreConfig> {
  return parseEdgeCoreConfig(parse(text) as JsonValue);
}

test("KubeEdge's default configuration is read without a warning", () => {
  const { config, warnings } = read(readFileSync(join(fixtures, "kubeedge-edgecore.default.yaml"), "utf8"));
  assert.deepEqual(warnings, []);
  assert.equal(config.nodeName, "host-1");
  assert.deepEqual(config.edgeHub.servers, ["192.0.2.2:10000"]);
  assert.equal(config.edgeHub.httpServer, "https://192.0.2.2:10002");
  assert.equal(config.edged.podLogsDirectory, "/var/log/pods");
  assert.equal(config.edged.nodeStatusReportPeriodMs, 300_000);
});

test("KubeEdge's minimal configuration is read, and what it switches off is told", () => {
  const { config, warnings } = read(readFileSync(join(fixtures, "kubeedge-edgecore.min.yaml"), "utf8"));
  assert.equal(config.edgeHub.enabled, false);
  assert.deepEqual(warnings, ["modules.edgeHub.enable: it is false, so this node never connects to the cloud"]);
});

test("protections that there are not are told when they are switched on, and only then", () => {
  const warnings = (fields: string): readonly string[] =>
    read(`{kind: EdgeCore, modules: {edged: {tailoredKubeletConfig: {${fields}}}}}`).warnings;
  assert.deepEqual(
    warnings("podPidsLimit: -1, seccompDefault: false, cpuManagerPolicy: none, memoryManagerPolicy: None"),
    [],
  );
  const told = warnings("cpuManagerPolicy: static, enforceNodeAllocatable: [pods, kube-reserved]");
  assert.deepEqual(
    told.map((line) => /(\w+): /.exec(line)?.[1]),
    ["enforceNodeAllocatable", "cpuManagerPolicy"],
  );
});

test("limits of pods are none unless they are given, and what is reserved is kept from pods unless that is off", () => {
  const edged = (fields: string): ReturnType<typeof read>["config"]["edged"] =>
    read(`{kind: EdgeCore, modules: {edged: {tailoredKubeletConfig: {${fields}}}}}`).config.edged;
  for (const fields of ["", "podPidsLimit: -1", "podPidsLimit: 0, seccompDefault: false"])
    assert.deepEqual([edged(fields).podPidsLimit, edged(fields).seccompDefault], [undefined, false]);
  assert.equal(edged("podPidsLimit: 100").podPidsLimit, 100);
  assert.equal(edged("seccompDefault: true").seccompDefault, true);
  assert.deepEqual(
    ["", "enforceNodeAllocatable: [pods]", "enforceNodeAllocatable: []", "enforceNodeAllocatable: [none]"].map(
      (fields) => edged(fields).keepsReserved,
    ),
    [true, true, false, false],
  );
});

test("several images are pulled at once unless the file says otherwise, as KubeEdge's own does", () => {
  const pulls = (fields: string): readonly [number, number] => {
    const { config, warnings } = read(`{kind: EdgeCore, modules: {edged: {tailoredKubeletConfig: {${fields}}}}}`);
    return [config.edged.parallelImagePulls, warnings.length];
  };
  assert.deepEqual(pulls(""), [5, 0]);
  assert.deepEqual(pulls("serializeImagePulls: false"), [5, 0]);
  assert.deepEqual(pulls("serializeImagePulls: true"), [1, 0]);
  assert.deepEqual(pulls("maxParallelImagePulls: 3"), [3, 0]);
  assert.deepEqual(pulls("serializeImagePulls: true, maxParallelImagePulls: 3"), [1, 1]);
  const kubeedges = read(readFileSync(join(fixtures, "kubeedge-edgecore.default.yaml"), "utf8"));
  assert.equal(kubeedges.config.edged.parallelImagePulls, 1);
});

test("the MetaServer is off, on loopback, and anywhere else only with a token", () => {
  const parse = (fields: string): ReturnType<typeof read>["config"]["metaManager"]["metaServer"] =>
    read(`{kind: EdgeCore, modules: {metaManager: {metaServer: {${fields}}}}}`).config.metaManager.metaServer;
  assert.deepEqual(parse(""), { enabled: false, address: "127.0.0.1", port: 10_550, tokenFile: "" });
  assert.deepEqual(parse("enable: true, server: '[::1]:1'"), { enabled: true, address: "::1", port: 1, tokenFile: "" });
  assert.equal(parse("enable: true, server: '0.0.0.0:10550', tokenFile: /t").address, "0.0.0.0");
  for (const fields of [
    "enable: true, server: '0.0.0.0:10550'",
    "server: here",
    "server: 'a:70000'",
    "server: 'a b:1'",
  ])
    assert.throws(() => parse(fields), { code: "CONFIG_INVALID" }, fields);
});

test("the DMI socket is dmi.sock in the folder that is named, of a socket's path in its folder", () => {
  const path = (value: string): string =>
    read(`{kind: EdgeCore, modules: {deviceTwin: {dmiSockPath: "${value}"}}}`).config.deviceTwin.dmiSocketPath;
  assert.equal(path(""), "/etc/kubeedge/dmi.sock");
  assert.equal(path("/run/edge"), "/run/edge/dmi.sock");
  assert.equal(path("/run/edge/other.sock"), "/run/edge/dmi.sock");
});

test("the short form is read", () => {
  const { config, warnings } = read(`
apiVersion: edgecore.config.kubeedge.io/v1alpha1
kind: EdgeCore
spec:
  nodeID: "edge-node-1"
  cloudHub:
    server: "wss://192.0.2.7:10000"
  deviceTwin:
    updateInterval: 60
`);
  assert.deepEqual(warnings, []);
  assert.equal(config.nodeName, "edge-node-1");
  assert.deepEqual(config.edgeHub.servers, ["192.0.2.7:10000"]);
  assert.equal(config.edgeHub.httpServer, "https://192.0.2.7:10002");
});

test("CloudCore's other replicas have the same ports, unless they are named", () => {
  const modules = `edgeHub: {httpServer: "https://a:12", websocket: {server: "a:10"}}, edgeStream: {server: "a:14"}`;
  const { edgeHub, edgeStream } = read(`{kind: EdgeCore, modules: {${modules}}, skerry: {servers: ["b:10"]}}`).config;
  assert.deepEqual(edgeHub.servers, ["a:10", "b:10"]);
  assert.deepEqual(edgeHub.otherHttpServers, ["https://b:12"]);
  assert.deepEqual(edgeStream.servers, ["a:14", "b:14"]);
  const named = `servers: ["a:20"], httpServers: ["https://a:22"], streamServers: ["a:24"]`;
  const other = read(`{kind: EdgeCore, modules: {${modules}}, skerry: {${named}}}`).config;
  assert.deepEqual(other.edgeHub.servers, ["a:10", "a:20"]);
  assert.deepEqual(other.edgeHub.otherHttpServers, ["https://a:22"]);
  assert.deepEqual(other.edgeStream.servers, ["a:14", "a:24"]);
  for (const wrong of [`httpServers: ["a:22"]`, `streamServers: ["a"]`])
    assert.throws(() => read(`{kind: EdgeCore, skerry: {${wrong}}}`), /holds "a/);
});

test("v1alpha1's flat fields are read where they still mean something", () => {
  const { config, warnings } = read(`
apiVersion: edgecore.config.kubeedge.io/v1alpha1
kind: EdgeCore
modules:
  edged:
    hostnameOverride: edge-9
    labels: { site: harbour }
    taints: [{ key: edge, effect: NoSchedule }]
    remoteRuntimeEndpoint: unix:///run/other.sock
    nodeStatusUpdateFrequency: 20
    clusterDNS: 10.0.0.10
    concurrentConsumers: 5
`);
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.edged.nodeLabels, { site: "harbour" });
  assert.deepEqual(config.edged.taints, [{ key: "edge", effect: "NoSchedule" }]);
  assert.equal(config.edged.containerRuntimeEndpoint, "unix:///run/other.sock");
  assert.equal(config.edged.nodeStatusPeriodMs, 20_000);
  assert.deepEqual(config.edged.clusterDns, ["10.0.0.10"]);
});

test("thresholds of eviction and of images are read as the kubelet's; wrong ones are refused by name", () => {
  const kubelet = (fields: string): ReturnType<typeof read> =>
    read(`modules: { edged: { tailoredKubeletConfig: { ${fields} } } }`);
  const byDefault = kubelet("").config.edged;
  const amounts = ({ eviction }: typeof byDefault): string[] =>
    eviction.thresholds.map(({ signal, amount, graceMs }) => `${signal} ${amount.value} ${graceMs ?? "at once"}`);
  assert.deepEqual(amounts(byDefault), [
    "memory.available 104857600 at once",
    "nodefs.available 0.1 at once",
    "nodefs.inodesFree 0.05 at once",
    "imagefs.available 0.15 at once",
    "imagefs.inodesFree 0.05 at once",
    "pid.available 100 at once",
  ]);
  const { config, warnings } = kubelet(`
    evictionHard: { nodefs.available: 1Gi }, evictionSoft: { memory.available: "20%" },
    evictionSoftGracePeriod: { memory.available: 1m30s }, evictionMinimumReclaim: { nodefs.available: 500Mi },
    evictionMaxPodGracePeriod: 20, evictionPressureTransitionPeriod: 30s, imageGCHighThresholdPercent: 70,
    imageGCLowThresholdPercent: 60, imageMaximumGCAge: 48h, systemReserved: { memory: 200Mi, cpu: "1", pid: "10" },
    kubeReserved: { memory: 100Mi, cpu: 100m, ephemeral-storage: 1Gi }`);
  assert.deepEqual(amounts(config.edged), [
    "nodefs.available 1073741824 at once",
    "pid.available 100 at once",
    "memory.available 0.2 90000",
  ]);
  const { eviction, imageGarbage, reserved } = config.edged;
  assert.deepEqual(eviction.thresholds[0]?.minimumReclaim, { kind: "quantity", value: 500 * 2 ** 20 });
  assert.deepEqual([eviction.maxPodGraceSeconds, eviction.pressureTransitionMs], [20, 30_000]);
  assert.deepEqual(imageGarbage, { highShare: 0.7, lowShare: 0.6, minimumAgeMs: 120_000, maximumAgeMs: 172_800_000 });
  assert.deepEqual(reserved, { cpuMilli: 1100, memoryBytes: 300 * 2 ** 20, storageBytes: 2 ** 30 });
  assert.deepEqual(warnings, [
    "modules.edged.tailoredKubeletConfig.systemReserved: cpu, memory and ephemeral-storage are kept back, not pid",
  ]);
  for (const [fields, told] of [
    ["evictionHard: { disk: 1Gi }", /evictionHard has the unknown signal disk/],
    ["evictionHard: { nodefs.available: much }", /evictionHard must give a size .* for nodefs\.available/],
    ["systemReserved: { cpu: much }", /systemReserved must give processors such as 100m or 0\.5 for cpu/],
    ["kubeReserved: { ephemeral-storage: much }", /kubeReserved must give a size such as 1Gi for ephemeral-storage/],
    ["evictionSoft: { memory.available: 1Gi }", /evictionSoftGracePeriod must give a duration for memory\.available/],
    [
      "imageGCHighThresholdPercent: 50, imageGCLowThresholdPercent: 60",
      /must not be above imageGCHighThresholdPercent/,
    ],
  ] as const)
    assert.throws(() => kubelet(fields), told);
});

test("a node with a folder of its own keeps its logs there, and device plugins register there", () => {
  const { config } = read("modules: { edged: { rootDirectory: /srv/node/ } }");
  assert.equal(config.edged.rootDirectory, "/srv/node");
  assert.equal(config.edged.podLogsDirectory, "/srv/node/pod-logs");
  assert.equal(config.edged.devicePluginFolder, "/srv/node/device-plugins");
  assert.equal(read("{}").config.edged.devicePluginFolder, "/var/lib/kubelet/device-plugins");
  const other = read("skerry: { devicePluginFolder: /run/plugins }").config.edged;
  assert.equal(other.devicePluginFolder, "/run/plugins");
});

test("the times at a shutdown are read in both of the kubelet's forms, and together refused", () => {
  const groups = (fields: string): unknown =>
    read(`modules: { edged: { tailoredKubeletConfig: { ${fields} } } }`).config.edged.shutdownGroups;
  assert.deepEqual(groups("shutdownGracePeriod: 0s"), []);
  assert.deepEqual(groups("shutdownGracePeriod: 30s, shutdownGracePeriodCriticalPods: 10s"), [
    { priority: 0, graceMs: 20_000 },
    { priority: 2_000_000_000, graceMs: 10_000 },
  ]);
  const byPriority = "shutdownGracePeriodByPodPriority: [{ priority: 1000, shutdownGracePeriodSeconds: 7 }]";
  assert.deepEqual(groups(byPriority), [{ priority: 1000, graceMs: 7000 }]);
  for (const [fields, told] of [
    [`shutdownGracePeriod: 1s, ${byPriority}`, /must not be given together with shutdownGracePeriod/],
    ["shutdownGracePeriod: 1s, shutdownGracePeriodCriticalPods: 2s", /must not be longer than shutdownGracePeriod/],
  ] as const)
    assert.throws(() => groups(fields), told);
});

test("unknown fields are warned of, wrong ones refused all at once with their paths", () => {
  const { warnings } = read("modules: { edged: { rootDirectry: /x }, edgeHub: { Heartbeat: 10 } }");
  assert.deepEqual(warnings, ["modules.edged.rootDirectry: unknown field, ignored"]);
  assert.throws(
    () =>
      read(`
kind: EdgeCore
modules:
  edged: { hostnameOverride: "Not A Name", rootDirectory: relative, tailoredKubeletConfig: { maxPods: many } }
  edgeHub: { heartbeat: 60, websocket: { server: "<cloudcore-ip>:x" }, httpServer: ftp://a }
  eventBus: { mqttMode: 7 }
`),
    (error) => {
      assert.ok(isSkerryError(error, "CONFIG_INVALID"));
      for (const field of [
        "modules.edged.hostnameOverride",
        "modules.edged.rootDirectory",
        "modules.edged.tailoredKubeletConfig.maxPods",
        "modules.edgeHub.heartbeat",
        "modules.edgeHub.websocket.server",
        "modules.edgeHub.httpServer",
        "modules.eventBus.mqttMode",
      ])
        assert.ok(error.message.includes(field), `${field} in: ${error.message}`);
      return true;
    },
  );
  assert.throws(
    () => read("kind: CloudCore"),
    (error) => isSkerryError(error, "CONFIG_INVALID"),
  );
  assert.throws(
    () => read("[1, 2]"),
    (error) => isSkerryError(error, "CONFIG_INVALID"),
  );
});

test("what --defaultconfig and --minconfig print is read back as the defaults", () => {
  const facts = { nodeName: "edge-1", cloudHost: "127.0.0.1" };
  for (const text of [edgeCoreDefaultConfigText(facts), edgeCoreMinConfigText(facts)]) {
    const { config, warnings } = read(text);
    assert.deepEqual(warnings, []);
    assert.deepEqual(config, { ...defaultEdgeCoreConfig(), nodeName: "edge-1" });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, type JsonValue } from "@skerry/base";
import fc from "fast-check";
import { defaultCloudCoreConfig, parseCloudCoreConfig } from "./cloudcore-config.ts";

test("an empty file gives the defaults", () => {
  assert.deepEqual(defaultCloudCoreConfig(), {
    kubeConfig: "",
    webSocket: { address: "0.0.0.0", port: 10_000 },
    https: { address: "0.0.0.0", port: 10_002 },
    nodeLimit: 500,
    keepaliveTimeoutMs: 30_000,
    advertiseAddresses: [],
    dnsNames: [],
    edgeCertificateValidityMs: 365 * 86_400_000,
    minimumTlsVersion: "TLSv1.3",
    edgeCertificateRenewalWindowMs: 90 * 86_400_000,
    tokenRefreshMs: 12 * 3_600_000,
    credentialFiles: {
      authorityCertificate: "/etc/kubeedge/ca/rootCA.crt",
      authorityKey: "/etc/kubeedge/ca/rootCA.key",
      serverCertificate: "/etc/kubeedge/certs/server.crt",
      serverKey: "/etc/kubeedge/certs/server.key",
    },
    cloudStream: {
      enabled: false,
      kubelet: { address: "0.0.0.0", port: 10_003 },
      tunnel: { address: "0.0.0.0", port: 10_004 },
      apiServerNames: ["kube-apiserver-kubelet-client"],
      kubeletDomain: "",
    },
    router: {
      enabled: false,
      listen: { address: "0.0.0.0", port: 9_443 },
      restTimeoutMs: 60_000,
      tokenFile: "",
    },
    dynamicController: { enabled: false },
    telemetry: { kind: "sqlite", path: "/var/lib/kubeedge/telemetry.db", maximumAgeMs: 30 * 86_400_000 },
    taskManager: { enabled: false },
    metrics: undefined,
    tracing: undefined,
    replica: { name: "", sharesPorts: false, peerAddress: "", peerPort: 0 },
  });
});

test("a replica's name must do as a label", () => {
  assert.equal(parseCloudCoreConfig({ skerry: { replica: "cloudcore-2" } }).config.replica.name, "cloudcore-2");
  for (const replica of ["Cloud", "a b", "-a", "x".repeat(64)])
    assert.throws(() => parseCloudCoreConfig({ skerry: { replica } }), /skerry\.replica/);
});

test("the domain of the kubelets' names must be one", () => {
  const read = (kubeletDomain: string): string =>
    parseCloudCoreConfig({ modules: { cloudStream: { kubeletDomain } } }).config.cloudStream.kubeletDomain;
  assert.equal(read("edge.example.com"), "edge.example.com");
  for (const domain of ["*.example.com", ".example.com", "a b", "Edge", "192.0.2.1:10003", "x".repeat(181)])
    assert.throws(() => read(domain), /modules\.cloudStream\.kubeletDomain/);
});

test("fields are read whatever the case of their names, null ones have their default", () => {
  const { config, warnings } = parseCloudCoreConfig({
    apiVersion: "cloudcore.config.kubeedge.io/v1alpha1",
    kind: "CloudCore",
    KubeAPIConfig: { kubeconfig: "/root/.kube/config" },
    modules: {
      cloudHub: { NodeLimit: 7, websocket: { port: 20_000 }, https: null, advertiseAddress: ["192.0.2.2", " "] },
      edgeController: null,
    },
  });
  assert.equal(config.kubeConfig, "/root/.kube/config");
  assert.equal(config.nodeLimit, 7);
  assert.equal(config.webSocket.port, 20_000);
  assert.equal(config.https.port, 10_002);
  assert.deepEqual(config.advertiseAddresses, ["192.0.2.2"]);
  assert.deepEqual(warnings, []);
});

test("the short form is read, and what has no effect in it is told", () => {
  const { config, warnings } = parseCloudCoreConfig({
    apiVersion: "cloudcore.config.kubeedge.io/v1alpha1",
    kind: "CloudCore",
    spec: { mqtt: { server: "tcp://mqtt-broker.example.com:1883" }, edgeController: { enable: true } },
  });
  assert.deepEqual(config, defaultCloudCoreConfig());
  assert.deepEqual(warnings, ["spec.mqtt: CloudCore uses no broker; set it in edgecore.yaml"]);
});

test("unknown fields and modules are warnings", () => {
  const { warnings } = parseCloudCoreConfig({
    modules: { cloudHub: { nodeLimits: 7, quic: { enable: true } }, extra: 1 },
    modulez: {},
  });
  assert.deepEqual(warnings, [
    "modules.cloudHub.quic.enable: Google's old QUIC is not spoken; edges use the WebSocket port",
    "modules.cloudHub.nodeLimits: unknown field, ignored",
    "modules.extra: unknown field, ignored",
    "modulez: unknown field, ignored",
  ]);
});

test("every wrong field is named, in one error", () => {
  assert.throws(
    () =>
      parseCloudCoreConfig({
        kind: "EdgeCore",
        kubeAPIConfig: { kubeConfig: 7 },
        modules: {
          cloudHub: {
            nodeLimit: "many",
            websocket: { port: 70_000 },
            https: [],
            dnsNames: ["a", 1],
            tokenRefreshDuration: 0,
            tlsMinVersion: "1.1",
          },
        },
      }),
    (error) => {
      assert.ok(isSkerryError(error, "CONFIG_INVALID"));
      for (const text of [
        'kind must be CloudCore, it is "EdgeCore"',
        "kubeAPIConfig.kubeConfig must be a text",
        "modules.cloudHub.nodeLimit must be a whole number",
        "modules.cloudHub.websocket.port must be a whole number from 1 to 65535",
        "modules.cloudHub.https must be a mapping",
        "modules.cloudHub.dnsNames must be a list of texts",
        "modules.cloudHub.tokenRefreshDuration must be a whole number from 1",
        'modules.cloudHub.tlsMinVersion must be "1.2" or "1.3"',
      ])
        assert.ok(error.message.includes(text), text);
      return true;
    },
  );
  assert.throws(
    () => parseCloudCoreConfig("text"),
    (error) => isSkerryError(error, "CONFIG_INVALID") && /the file must be a mapping/.test(error.message),
  );
  assert.throws(
    () => parseCloudCoreConfig({ modules: { cloudHub: { https: { port: 10_000 } } } }),
    (error) => isSkerryError(error, "CONFIG_INVALID") && /must differ/.test(error.message),
  );
});

test("any file gives a configuration or a coded error", () => {
  const name = fc.constantFrom(
    "modules",
    "spec",
    "cloudHub",
    "websocket",
    "port",
    "enable",
    "kubeAPIConfig",
    "dnsNames",
  );
  const file = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<JsonValue>(null, 1, -1, "x", true, []),
      fc.dictionary(name, tie("value"), { maxKeys: 4 }) as fc.Arbitrary<JsonValue>,
    ),
  })).value;
  fc.assert(
    fc.property(file, (value) => {
      try {
        assert.ok(parseCloudCoreConfig(value).config.webSocket.port > 0);
      } catch (error) {
        assert.ok(isSkerryError(error, "CONFIG_INVALID"), String(error));
      }
    }),
  );
});

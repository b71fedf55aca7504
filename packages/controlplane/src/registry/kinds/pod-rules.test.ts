import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { applyPodSpecDefaults } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-validation.ts";

/** What a pod spec with such members is refused with, one line for each error. */
function refusalsOf(spec: JsonObject): string[] {
  const whole = { containers: [{ name: "c", image: "i" }], ...spec };
  applyPodSpecDefaults(whole);
  return validatePodSpec(whole, "spec").map(({ field, message }) => `${field}: ${message}`);
}

/** As {@link refusalsOf}, of a pod whose only container has such members. */
function containerRefusalsOf(container: JsonObject): string[] {
  return refusalsOf({ containers: [{ name: "c", image: "i", ...container }] }).map((line) =>
    line.replace("spec.containers[0].", ""),
  );
}

test("a pod that asks for less than its limits, with probes, ports and variables, is taken", () => {
  const probe = { httpGet: { port: "web" }, periodSeconds: 5 };
  const container: JsonObject = {
    // Of one container only, as restartPolicyRules need it.
    restartPolicy: "Never",
    ports: [
      { name: "web", containerPort: 80, hostPort: 8080 },
      { name: "dns", containerPort: 53, protocol: "UDP", hostPort: 8080 },
    ],
    env: [
      { name: "my.name-1", value: "" },
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      { name: "KEY", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
    ],
    envFrom: [{ configMapRef: { name: "c" } }],
    livenessProbe: probe,
    readinessProbe: { exec: { command: ["true"] } },
    startupProbe: { tcpSocket: { port: 80 } },
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: {
      limits: { cpu: "1", memory: "1Gi", "example.com/gpu": "1" },
      requests: { cpu: "500m", memory: "1024Mi", "example.com/gpu": "1" },
    },
    securityContext: { runAsUser: 0, seccompProfile: { type: "RuntimeDefault" } },
  };
  assert.deepEqual(containerRefusalsOf(container), []);
});

test("a container's resources are refused when it asks for more than its limit, or for what does not exist", () => {
  const refusals = containerRefusalsOf({
    resources: { requests: { cpu: "2", foo: "1", memory: "-1", "a.com/gpu": "1" }, limits: { cpu: "1" } },
  });
  assert.deepEqual(refusals, [
    'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    'resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
    'resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
    'resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
    "resources.limits: Required value: Limit must be set for non overcommitable resources",
  ]);
});

test("a probe is refused without a handler, with two, and with times below zero", () => {
  const exec = { command: ["true"] };
  assert.deepEqual(containerRefusalsOf({ livenessProbe: { periodSeconds: -1 } }), [
    "livenessProbe: Required value: must specify a handler type",
    "livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
  ]);
  assert.deepEqual(
    containerRefusalsOf({
      readinessProbe: { exec, tcpSocket: { port: 0 } },
      startupProbe: { exec, successThreshold: 2 },
    }),
    [
      "readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
      "startupProbe.successThreshold: Invalid value: 2: must be 1",
    ],
  );
  assert.deepEqual(containerRefusalsOf({ livenessProbe: { httpGet: { port: "Web Port" } } }), [
    'livenessProbe.httpGet.port: Invalid value: "Web Port": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
  ]);
});

test("ports are refused when two have a name or a port of the node, and when the name is none of IANA's", () => {
  const refusals = refusalsOf({
    containers: [
      {
        name: "c",
        image: "i",
        ports: [
          { name: "web", containerPort: 80, hostPort: 8080 },
          { name: "web", containerPort: 81 },
          { name: "Web_Port", containerPort: 82 },
        ],
      },
      { name: "d", image: "i", ports: [{ containerPort: 80, hostPort: 8080 }] },
    ],
  });
  assert.deepEqual(refusals, [
    'spec.containers[0].ports[1].name: Duplicate value: "web"',
    'spec.containers[0].ports[2].name: Invalid value: "Web_Port": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"',
  ]);
});

test("a variable is refused with a value and a source, without a source, and with one that is not known", () => {
  const fieldRef = { fieldPath: "spec.nodeName" };
  const refusals = containerRefusalsOf({
    env: [
      { name: "a", value: "b", valueFrom: { fieldRef } },
      { name: "b", valueFrom: {} },
      { name: "c", valueFrom: { fieldRef: { fieldPath: "spec.foo" } } },
      { name: "d", valueFrom: { fieldRef: { fieldPath: "metadata.labels" } } },
      { name: "e=f", value: "" },
      { name: "g", valueFrom: { configMapKeyRef: { key: "a b" } } },
    ],
    envFrom: [{}],
  }).map((line) => line.slice(0, 130));
  assert.deepEqual(refusals, [
    'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    'env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fi',
    'env[2].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo',
    'env[3].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace"',
    'env[4].name: Invalid value: "e=f": a valid environment variable name must consist only of printable ASCII characters other than \'=',
    "env[5].valueFrom.configMapKeyRef.name: Required value",
    "env[5].valueFrom.configMapKeyRef.key: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' o",
    'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
  ]);
});

test("where a pod may go is refused when it cannot be read", () => {
  const needed = (term: JsonObject[]): JsonObject => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: term } },
  });
  const path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  assert.deepEqual(refusalsOf({ affinity: needed([]) }), [
    `${path}: Required value: must have at least one node selector term`,
  ]);
  assert.deepEqual(
    refusalsOf({
      affinity: needed([
        {
          matchExpressions: [
            { key: "a", operator: "In" },
            { key: "b", operator: "Gt" },
          ],
        },
      ]),
    }),
    [
      `${path}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
      `${path}[0].matchExpressions[1].values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`,
    ],
  );
  assert.match(
    refusalsOf({ nodeSelector: { "a b": "c" } }).join(),
    /^spec\.nodeSelector: Invalid value: "a b": name part/,
  );
  assert.deepEqual(
    refusalsOf({ tolerations: [{ key: "a", operator: "Exists", value: "b" }, { value: "c" }, { operator: "Exists" }] }),
    [
      "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
      'spec.tolerations[1].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  );
});

test("users, file modes and paths in volumes are held to their bounds", () => {
  assert.deepEqual(refusalsOf({ securityContext: { runAsUser: -1 } }), [
    "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
  ]);
  assert.deepEqual(
    refusalsOf({
      volumes: [
        { name: "a", configMap: { name: "c", defaultMode: 512, items: [{ key: "k", path: "../x" }] } },
        { name: "b", secret: {} },
        { name: "c", downwardAPI: { items: [{ path: "/x", fieldRef: { fieldPath: "status.podIP" } }] } },
      ],
    }),
    [
      "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
      "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'",
      "spec.volumes[1].secret.secretName: Required value",
      'spec.volumes[2].downwardAPI.items[0].path: Invalid value: "/x": must be a relative path',
      'spec.volumes[2].downwardAPI.items[0].fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"',
    ],
  );
});

test("an init container that ends is not probed, one that stays may be", () => {
  const probe = { exec: { command: ["true"] } };
  const init = (container: JsonObject): string[] =>
    refusalsOf({ initContainers: [{ name: "i", image: "i", livenessProbe: probe, ...container }] });
  assert.deepEqual(init({ restartPolicy: "Always" }), []);
  assert.deepEqual(init({}), [
    "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  ]);
});

test("a pod with users of its own is refused the machine's namespaces, one with the machine's users is not", () => {
  const shared = { hostNetwork: true, hostPID: true, hostIPC: true };
  assert.deepEqual(refusalsOf({ hostUsers: false, ...shared }), [
    "spec.hostNetwork: Forbidden: when `hostUsers` is false",
    "spec.HostPID: Forbidden: when `hostUsers` is false",
    "spec.HostIPC: Forbidden: when `hostUsers` is false",
  ]);
  for (const spec of [{ hostUsers: false, hostNetwork: false }, { hostUsers: true, ...shared }, shared])
    assert.deepEqual(refusalsOf(spec), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, PodSpec, Taint } from "@skerry/api";
import { type NodeView, ViewFacts } from "./node-view.ts";
import { placePod } from "./placement.ts";
import type { VolumeSource } from "./volume-binding.ts";

const pod = (spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "default", labels },
  spec: { containers: [{ name: "c" }], ...spec },
});
const node = (
  name: string,
  options: {
    labels?: Record<string, string>;
    taints?: Taint[];
    unschedulable?: boolean;
    allocatable?: Record<string, string>;
  } = {},
): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name, ...options.labels } },
  spec: {
    ...(options.taints ? { taints: options.taints } : {}),
    ...(options.unschedulable ? { unschedulable: true } : {}),
  },
  status: { allocatable: { cpu: "2", memory: "1Gi", pods: "110", ...options.allocatable } },
});
const view = (node: Node, ...pods: Pod[]): NodeView => ({ node, pods });
const place = (pod: Pod, ...views: NodeView[]): string => {
  const placement = placePod(pod, views);
  return placement.kind === "node" ? `-> ${placement.name}` : placement.message;
};
const requesting = (cpu: string, memory = "0"): Pod =>
  pod({ containers: [{ name: "c", resources: { requests: { cpu, memory } } }] });

test("a pod goes to the node with the fewest pods, the name decides between equals", () => {
  assert.equal(place(pod(), view(node("b")), view(node("a"))), "-> a");
  assert.equal(place(pod(), view(node("a"), pod()), view(node("b"))), "-> b");
});

test("a nodeSelector and required node affinity are met", () => {
  const a = view(node("a", { labels: { zone: "1" } }));
  assert.equal(place(pod({ nodeSelector: { "kubernetes.io/hostname": "a" } }), a), "-> a");
  const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
  assert.equal(place(pod({ nodeSelector: { "kubernetes.io/hostname": "b" } }), a), message);
  const affinity = (operator: string, values: string[], key = "zone"): Partial<PodSpec> => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
        },
      },
    },
  });
  for (const spec of [
    affinity("In", ["1"]),
    affinity("NotIn", ["2"]),
    affinity("Gt", ["0"]),
    affinity("DoesNotExist", [], "x"),
  ])
    assert.equal(place(pod(spec), a), "-> a");
  for (const spec of [affinity("In", ["2"]), affinity("Lt", ["1"]), affinity("Exists", [], "x")])
    assert.equal(place(pod(spec), a), message);
});

test("taints keep pods away that do not tolerate them", () => {
  const edge = view(node("edge", { taints: [{ key: "node-role.kubernetes.io/edge", effect: "NoSchedule" }] }));
  assert.equal(
    place(pod(), edge),
    "0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/edge: }.",
  );
  assert.equal(place(pod({ tolerations: [{ operator: "Exists" }] }), edge), "-> edge");
  assert.equal(
    place(
      pod({ tolerations: [{ key: "node-role.kubernetes.io/edge", operator: "Exists", effect: "NoSchedule" }] }),
      edge,
    ),
    "-> edge",
  );
  assert.match(place(pod({ tolerations: [{ key: "node-role.kubernetes.io/edge", value: "x" }] }), edge), /untolerated/);
});

test("a cordoned node takes no pods", () => {
  assert.equal(
    place(pod(), view(node("a", { unschedulable: true }))),
    "0/1 nodes are available: 1 node(s) were unschedulable.",
  );
});

test("requests must fit in what the node can allocate, the pods there included", () => {
  const full = view(node("a"), requesting("1500m", "512Mi"));
  assert.equal(place(requesting("500m", "512Mi"), full), "-> a");
  assert.equal(place(requesting("501m"), full), "0/1 nodes are available: 1 Insufficient cpu.");
  assert.equal(
    place(requesting("3", "2Gi"), full),
    "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
  );
  assert.equal(
    place(pod(), view(node("a", { allocatable: { pods: "1" } }), pod())),
    "0/1 nodes are available: 1 Too many pods.",
  );
});

test("init containers count by the largest, sidecars together with the rest", () => {
  const withInit = pod({
    initContainers: [{ name: "i", resources: { requests: { cpu: "2" } } }],
    containers: [{ name: "c", resources: { requests: { cpu: "1" } } }],
  });
  assert.equal(place(withInit, view(node("a"))), "-> a");
  const withSidecar = pod({
    initContainers: [{ name: "i", restartPolicy: "Always", resources: { requests: { cpu: "1500m" } } }],
    containers: [{ name: "c", resources: { requests: { cpu: "1" } } }],
  });
  assert.match(place(withSidecar, view(node("a"))), /Insufficient cpu/);
});

test("a host port is given only once", () => {
  const withPort = pod({ containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] });
  assert.match(place(withPort, view(node("a"), withPort)), /free ports/);
  assert.equal(place(withPort, view(node("a"), withPort), view(node("b"))), "-> b");
});

test("required pod anti-affinity keeps pods apart, affinity brings them together", () => {
  const term = { labelSelector: { matchLabels: { app: "x" } }, topologyKey: "kubernetes.io/hostname" };
  const apart = pod(
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    { app: "x" },
  );
  assert.match(place(apart, view(node("a"), apart)), /anti-affinity rules/);
  assert.match(place(pod({}, { app: "x" }), view(node("a"), apart)), /existing pods anti-affinity/);
  const together = pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } });
  assert.equal(place(together, view(node("a")), view(node("b"), pod({}, { app: "x" }))), "-> b");
  assert.match(place(together, view(node("a"))), /didn't match pod affinity rules/);
});

test("reasons of several nodes are counted", () => {
  assert.equal(
    place(requesting("3"), view(node("a")), view(node("b")), view(node("c", { unschedulable: true }))),
    "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.",
  );
  assert.equal(place(pod()), "no nodes available to schedule pods");
});

const spread = (constraint: object, labels = { app: "x" }): Pod => {
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: "x" } },
      ...constraint,
    },
  ];
  return pod({ topologySpreadConstraints } as Partial<PodSpec>, labels);
};
const inZone = (name: string, zone: string): Node => node(name, { labels: { zone } });
const like = pod({}, { app: "x" });

test("pods are spread evenly over the domains, and a node without the label is none", () => {
  const east = view(inZone("a", "east"), like);
  assert.equal(place(spread({}), east, view(inZone("b", "west"))), "-> b");
  assert.equal(place(spread({ maxSkew: 2 }), east, view(inZone("b", "west"), like, like, like)), "-> a");
  assert.equal(
    place(spread({}), view(inZone("a", "east"), like), view(node("b"))),
    "-> a",
    "one domain alone is always even",
  );
  assert.equal(
    place(spread({ minDomains: 2 }), east, view(node("b"))),
    "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label).",
  );
});

test("domains that the pod cannot be in do not count, unless it says so", () => {
  const picky = { nodeSelector: { zone: "east" } };
  const pods = [view(inZone("a", "east"), like), view(inZone("b", "west"))];
  const asked = (nodeAffinityPolicy: string): Pod => {
    const base = spread({ nodeAffinityPolicy });
    return { ...base, spec: { ...base.spec, ...picky } };
  };
  assert.equal(place(asked("Honor"), ...pods), "-> a");
  assert.match(place(asked("Ignore"), ...pods), /didn't match pod topology spread constraints/);
});

test("a spread that is only a wish is followed where it can be", () => {
  const wish = spread({ whenUnsatisfiable: "ScheduleAnyway" });
  assert.equal(place(wish, view(inZone("a", "east"), like, like), view(inZone("b", "west"), like)), "-> b");
  assert.equal(place(wish, view(inZone("a", "east"), like, like)), "-> a");
});

test("preferred pod affinity draws pods together, preferred anti-affinity keeps them apart", () => {
  const term = { labelSelector: { matchLabels: { app: "x" } }, topologyKey: "kubernetes.io/hostname" };
  const wish = (member: string): Pod =>
    pod({
      affinity: {
        [member]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: term }] },
      },
    });
  const views = [view(node("a"), like), view(node("b"))];
  assert.equal(place(wish("podAffinity"), ...views), "-> a");
  assert.equal(place(wish("podAntiAffinity"), ...views), "-> b");
});

test("pods are counted once for all nodes, not anew for each", () => {
  const readCount = { labels: 0 };
  const watched: Pod = { ...like, metadata: { name: "watched", namespace: "default", labels: { app: "x" } } };
  Object.defineProperty(watched.metadata, "labels", {
    get: () => {
      readCount.labels++;
      return { app: "x" };
    },
  });
  const views = Array.from({ length: 50 }, (_, at) => view(inZone(`n${at}`, `zone-${at}`)));
  assert.equal(place(spread({}), view(inZone("a", "east"), watched), ...views), "-> n0");
  assert.ok(readCount.labels <= 2, `looked at ${readCount.labels} times`);
});

test("volumes are looked through once for all nodes, and no two claims of a pod get the same one", () => {
  let askedCount = 0;
  const claim = (name: string): PersistentVolumeClaim => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "default" },
    spec: { storageClassName: "local" },
  });
  const claims = new Map(["one", "two"].map((name) => [name, claim(name)]));
  const disk = (name: string, zone: string): PersistentVolume => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      storageClassName: "local",
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] }] },
      },
    },
    status: { phase: "Available" },
  });
  const volumes: VolumeSource = {
    claim: (_, name) => claims.get(name),
    volume: () => undefined,
    volumes: () => {
      askedCount++;
      return [disk("a", "east"), disk("b", "west"), disk("c", "west")];
    },
    storageClass: (name) => ({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name },
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "WaitForFirstConsumer",
    }),
  };
  const asking = pod({
    volumes: [...claims.keys()].map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  });
  const west = inZone("w", "west");
  const views = [...Array.from({ length: 50 }, (_, at) => view(inZone(`n${at}`, "east"))), view(west)];
  const placement = placePod(asking, views, { facts: new ViewFacts(), volumes });
  assert.ok(placement.kind === "node");
  assert.equal(placement.name, "w");
  const decided = placement.volumes.decisions(west)?.map((each) => each.kind === "bind" && each.volume.metadata.name);
  assert.deepEqual(decided, ["b", "c"]);
  assert.equal(askedCount, claims.size);
});

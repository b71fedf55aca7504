import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { Message } from "@skerry/link";
import fc from "fast-check";
import { authorizeNodeMessage } from "./node-authorization.ts";
import type { NodeObjects, ObjectName } from "./node-objects.ts";

/** Everything in the namespace `mine` belongs to edge-1, nothing else does. */
const isMine = (nodeName: string, { namespace }: ObjectName): boolean => nodeName === "edge-1" && namespace === "mine";
const objects: NodeObjects = {
  ownsPod: isMine,
  mayReadConfigMap: isMine,
  mayReadSecret: isMine,
  mayUseServiceAccount: isMine,
  mayReadPersistentVolumeClaim: isMine,
  mayReadPersistentVolume: (nodeName, name) => nodeName === "edge-1" && name === "volume",
  ownsDevice: isMine,
};

function verdict(operation: string, resource: string, content: JsonValue = null, source = "edged"): string {
  const message: Message = {
    header: { msg_id: "1", timestamp: 0 },
    route: { source, group: "meta", operation, resource },
    content,
  };
  return authorizeNodeMessage("edge-1", message, objects).kind;
}

const boundTo = (pod: string): JsonValue => ({ spec: { boundObjectRef: { kind: "Pod", name: pod } } });
const about = (kind: string, namespace: string, name: string): JsonValue => ({
  metadata: { namespace: namespace || "default", name: `${name}.17` },
  involvedObject: { kind, namespace, name },
});

const object = (value: JsonValue): JsonObject => (isJsonObject(value) ? value : {});

test("a node reads and writes what is its own", () => {
  const own: [string, string, JsonValue?, string?][] = [
    ["insert", "null/node/edge-1", { metadata: { name: "edge-1" } }],
    ["patch", "null/nodepatch/edge-1", "{}"],
    ["update", "default/nodestatus/edge-1", {}],
    ["update", "kube-node-lease/lease/edge-1", { metadata: { name: "edge-1", namespace: "kube-node-lease" } }],
    ["query", "kube-node-lease/lease/edge-1"],
    ["patch", "mine/podpatch/web", "{}"],
    ["delete", "mine/pod/web", { gracePeriodSeconds: 0 }],
    ["update", "mine/podstatus", [{ Name: "web" }, { Name: "db" }]],
    ["insert", "kube-system/pod/static", { metadata: { name: "static" }, spec: { nodeName: "edge-1" } }],
    ["query", "mine/configmap/settings"],
    ["query", "mine/secret/key"],
    ["query", "mine/persistentvolumeclaim/data"],
    ["query", "null/persistentvolume/volume"],
    ["query", "mine/serviceaccounttoken/default", boundTo("web")],
    ["insert", "mine/event/web.17", about("Pod", "mine", "web")],
    ["patch", "mine/event/web.17", { event: about("Pod", "mine", "web"), patchData: "{}" }],
    ["insert", "default/event/edge-1.17", about("Node", "", "edge-1")],
    ["update", "device/mine/thermo/twin/edge_updated", {}, "twin"],
    ["get", "membership/detail", "{}", "twin"],
  ];
  for (const [operation, resource, content, source] of own)
    assert.equal(verdict(operation, resource, content, source), "allowed", `${operation} ${resource}`);
});

test("a node does not get at anything else", () => {
  const foreign: [string, string, JsonValue?, string?][] = [
    ["insert", "null/node/edge-2"],
    ["insert", "null/node/edge-1", { metadata: { name: "edge-2" } }],
    ["patch", "null/nodepatch/edge-2"],
    ["update", "kube-node-lease/lease/edge-2"],
    ["update", "kube-system/lease/edge-1"],
    ["update", "kube-node-lease/lease/edge-1", { metadata: { name: "edge-2" } }],
    ["patch", "theirs/podpatch/web"],
    ["delete", "theirs/pod/web"],
    ["update", "mine/podstatus", "x"],
    ["update", "null/podstatus", []],
    ["insert", "kube-system/pod/x", { spec: { nodeName: "edge-2" } }],
    ["insert", "kube-system/pod/x"],
    ["patch", "mine/podpatch/.."],
    ["patch", "../podpatch/web"],
    ["query", "mine/secret/."],
    ["update", "device/mine/../twin/edge_updated", {}, "twin"],
    ["insert", "mine/event/web.17", { ...object(about("Node", "", "edge-2")), event: about("Pod", "mine", "web") }],
    ["patch", "mine/event/web.17", about("Pod", "mine", "web")],
    ["insert", "kube-system/event/edge-1.17", about("Node", "", "edge-1")],
    ["query", "theirs/configmap/settings"],
    ["query", "theirs/secret/key"],
    ["query", "mine/secret"],
    ["query", "null/persistentvolume/other"],
    ["query", "theirs/serviceaccounttoken/default", boundTo("web")],
    ["query", "mine/serviceaccounttoken/default", { spec: {} }],
    ["query", "mine/serviceaccounttoken/default"],
    ["insert", "mine/event/db.17", about("Pod", "mine", "web")],
    ["insert", "theirs/event/web.17", about("Pod", "theirs", "web")],
    ["insert", "mine/event/web.17", about("Pod", "theirs", "web")],
    ["insert", "default/event/edge-2.17", about("Node", "", "edge-2")],
    ["insert", "mine/event/x.17", about("Secret", "mine", "x")],
    ["query", "default/certificatesigningrequest/x"],
    ["insert", "null/volumeattachment/x"],
    ["query", "mine/constructor/x"],
    ["query", "mine/__proto__/x"],
    ["update", "device/theirs/thermo/twin/edge_updated", {}, "twin"],
    ["update", "default/pod/x", {}, "twin"],
    ["", ""],
  ];
  for (const [operation, resource, content, source] of foreign)
    assert.equal(verdict(operation, resource, content, source), "forbidden", `${operation} ${resource}`);
});

test("a node to which nothing belongs gets at nothing but itself, whatever it sends", () => {
  const segment = fc.constantFrom(
    "mine",
    "null",
    "default",
    "kube-node-lease",
    "pod",
    "secret",
    "node",
    "lease",
    "event",
    "device",
    "edge-1",
    "twin",
    "x",
    "",
  );
  fc.assert(
    fc.property(
      fc.array(segment, { maxLength: 5 }).map((segments) => segments.join("/")),
      fc.constantFrom("query", "insert", "update", "patch", "delete"),
      fc.constantFrom("edged", "twin", "websocket"),
      fc.jsonValue(),
      (resource, operation, source, content) => {
        const message: Message = {
          header: { msg_id: "1", timestamp: 0 },
          route: { source, group: "meta", operation, resource },
          content: content as JsonValue,
        };
        assert.equal(authorizeNodeMessage("edge-9", message, objects).kind, "forbidden");
      },
    ),
  );
});

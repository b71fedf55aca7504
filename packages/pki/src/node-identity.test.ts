import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { nodeNameOf, nodeSubject } from "./node-identity.ts";

test("a node's subject names the node", () => {
  assert.equal(nodeNameOf(nodeSubject("edge-node-1")), "edge-node-1");
  assert.equal(nodeNameOf({ commonName: "system:node:a.b", organizations: ["x", "system:nodes"] }), "a.b");
});

test("a subject that names no node is refused", () => {
  const subjects = [
    { commonName: "kubeedge.io", organizations: ["KubeEdge"] },
    { commonName: "system:node:", organizations: ["system:nodes"] },
    { commonName: "system:node:../x", organizations: ["system:nodes"] },
    { commonName: "system:node:edge-1", organizations: ["system:masters"] },
    { commonName: "edge-1", organizations: ["system:nodes"] },
    { commonName: "", organizations: [] },
  ];
  for (const subject of subjects)
    assert.throws(
      () => nodeNameOf(subject),
      (error) => isSkerryError(error, "PKI_IDENTITY_UNKNOWN"),
    );
});

test("a certificate is not issued for an impossible node name", () => {
  for (const name of ["", "Edge", "a b", "-a", "a/b", "a".repeat(254)])
    assert.throws(
      () => nodeSubject(name),
      (error) => isSkerryError(error, "PKI_NODE_NAME_INVALID"),
    );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import type { Message } from "./message.ts";
import { acknowledgementFor, needsAcknowledgement, ROUTES, routeOf } from "./routes.ts";

function message(
  source: string,
  group: string,
  operation: string,
  resource: string,
  content: JsonValue = null,
): Message {
  return { header: { msg_id: "1", timestamp: 0 }, route: { source, group, operation, resource }, content };
}

const object = { metadata: { name: "x", uid: "u" } };

test("desired objects are sent again until acknowledged, whatever they are called", () => {
  for (const name of ["web", "membership-x", "podlist", "serviceaccounttoken", "twin"])
    for (const type of ["pod", "configmap", "secret"])
      assert.ok(needsAcknowledgement(message("edgecontroller", "resource", "update", `default/${type}/${name}`)), name);
  assert.ok(needsAcknowledgement(message("devicecontroller", "resource", "insert", "default/device/thermo")));
  assert.ok(needsAcknowledgement(message("edgecontroller", "resource", "update", "null/node/edge-1")));
  assert.ok(needsAcknowledgement(message("dynamiccontroller", "resource", "delete", "default/gateway/g")));
});

test("answers, memberships and what is for connected nodes only are sent once", () => {
  for (const once of [
    message("edgecontroller", "resource", "response", "default/podpatch/web", object),
    message("edgecontroller", "resource", "response", "kube-node-lease/lease/edge-1", object),
    message("edgecontroller", "resource", "response", "default/serviceaccounttoken/default", object),
    message("edgecontroller", "resource", "response", "default/pod/web", "OK"),
    message("devicecontroller", "twin", "response", "twin", "OK"),
    message("devicecontroller", "twin", "update", "membership", {}),
    message("cloudhub", "resource", "response", "k8s/ca.crt", "pem"),
    message("edgecontroller", "resource", "delete", "null/node/edge-1"),
    message("taskmanager", "taskmanager", "Check", "operations.kubeedge.io/v1alpha2/x/j/node/n"),
    message("nobody", "nothing", "never", "known"),
  ])
    assert.equal(acknowledgementFor(once), "none", JSON.stringify(once.route));
});

test("a queried object's acknowledgement is taken note of, a failed query has none", () => {
  const answer = (content: JsonValue): Message =>
    message("edgecontroller", "resource", "response", "default/configmap/settings", content);
  assert.equal(acknowledgementFor(answer(object)), "observed");
  assert.equal(needsAcknowledgement(answer(object)), false);
  assert.equal(acknowledgementFor(answer({ ErrStatus: { code: 404 } })), "none");
});

test("every row has a place of its own: no earlier row hides it", () => {
  for (const route of ROUTES) {
    const example = message(
      route.source === "*" ? "anyone" : route.source,
      route.group === "*" ? "any" : route.group,
      route.operation === "*" ? "anything" : (route.operation.split("|")[0] ?? ""),
      route.resource === "*" ? "some/where" : route.resource.replace(/<[^>]+>/g, "x"),
    );
    assert.equal(routeOf(route.direction, example), route, `${route.id} ${JSON.stringify(example.route)}`);
  }
});

test("only what goes down is acknowledged by this table", () => {
  for (const route of ROUTES) if (route.direction === "up") assert.equal(route.acknowledgement, "none", route.id);
});

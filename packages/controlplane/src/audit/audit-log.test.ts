import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer } from "../testing/test-api-server.ts";

interface AuditEvent {
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly user?: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus: { readonly code: number };
  readonly requestReceivedTimestamp: string;
}

test("the audit log says who asked for what, for whom and how it was answered, and nothing of the bodies", async () => {
  const lines: string[] = [];
  await using server = await startTestApiServer({ audit: (line) => lines.push(line) });
  const secrets = "/api/v1/namespaces/default/secrets";
  const body = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { password: "hunter2" } };
  await server.send("POST", secrets, { body });
  await server.send("GET", `${secrets}/s`, { headers: { "impersonate-user": "jane" } });
  await server.send("GET", secrets, { user: null });
  await server.send("GET", `${secrets}?watch=true`);
  await server.send("GET", "/version");
  assert.ok(!lines.join().includes("hunter2"));
  const events = lines.map((line) => JSON.parse(line) as AuditEvent);
  assert.deepEqual(
    events.map(({ verb, user, impersonatedUser, responseStatus, stage }) =>
      [verb, user?.username, impersonatedUser?.username, responseStatus.code, stage].join(" "),
    ),
    [
      "create kubernetes-admin  201 ResponseComplete",
      "get kubernetes-admin jane 403 ResponseComplete",
      "get system:anonymous  401 ResponseComplete",
      "watch kubernetes-admin  200 ResponseStarted",
      "get kubernetes-admin  200 ResponseComplete",
    ],
  );
  assert.deepEqual(events[1]?.objectRef, { resource: "secrets", namespace: "default", name: "s", apiVersion: "v1" });
  assert.equal(events[3]?.requestURI, `${secrets}?watch=true`);
  assert.match(events[0]?.requestReceivedTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

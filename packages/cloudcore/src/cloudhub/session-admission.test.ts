import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { SessionAdmission } from "./session-admission.ts";

test("a full CloudHub sends other nodes away, but not one that is connected and comes again", () => {
  const connected = new Set(["edge-1", "edge-2"]);
  const admission = new SessionAdmission({
    clock: new ManualClock(),
    nodeLimit: 2,
    waitingRequests: () => 0,
    connectedNodes: () => connected,
  });
  const refused = admission.admit("edge-3");
  assert.ok(refused.kind === "busy" && refused.reason.includes("CLOUDHUB_NODE_LIMIT"));
  assert.equal(admission.admit("edge-1").kind, "admitted");
  connected.delete("edge-2");
  assert.equal(admission.admit("edge-3").kind, "admitted");
  assert.equal(admission.refusedCount, 1);
});

test("while many nodes wait to be handled, or for the API server, nobody else is let in", () => {
  let waitingRequests = 0;
  const admission = new SessionAdmission({
    clock: new ManualClock(),
    nodeLimit: 500,
    waitingRequests: () => waitingRequests,
    connectedNodes: () => new Set(),
  });
  const sessions = Array.from({ length: 150 }, () => ({}));
  for (const session of sessions) admission.setBacklogged(session, true);
  assert.equal(admission.admit("edge-1").kind, "busy");
  admission.setBacklogged(sessions[0] ?? {}, false);
  assert.equal(admission.admit("edge-1").kind, "admitted");
  assert.ok(admission.isBusy);
  for (const session of sessions.slice(99)) admission.setBacklogged(session, false);
  assert.equal(admission.isBusy, false, "whoever comes now may begin");
  for (const session of sessions.slice(99)) admission.setBacklogged(session, true);
  admission.setBacklogged(sessions[0] ?? {}, false);
  waitingRequests = 1;
  assert.equal(admission.admit("edge-1").kind, "busy");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { enrolmentRefused, enrolmentUnreachable } from "./errors.ts";
import type { EnrolmentHttp, EnrolmentRequest } from "./ports.ts";
import { severalServers } from "./several-servers.ts";

const request: EnrolmentRequest = {
  url: "https://a:10002/edge.crt",
  trust: { kind: "anyone" },
  timeoutMs: 30_000,
  maxResponseBytes: 1_000,
};
const { signal } = new AbortController();

function world(answers: Readonly<Record<string, "unreachable" | "refuses" | "answers">>): {
  readonly asked: string[];
  readonly http: EnrolmentHttp;
} {
  const asked: string[] = [];
  return {
    asked,
    http: {
      async get({ url }) {
        asked.push(url);
        const answer = answers[new URL(url).hostname];
        if (answer === "unreachable") throw enrolmentUnreachable(url, new Error("refused"));
        if (answer === "refuses") throw enrolmentRefused("edge-1", 401, "no");
        return { status: 200, body: new Uint8Array([1]) };
      },
    },
  };
}

test("another replica is asked for the same path when the first cannot be reached", async () => {
  const { asked, http } = world({ a: "unreachable", b: "answers" });
  const { status } = await severalServers(http, ["https://b:1", "https://c:1"]).get(request, signal);
  assert.equal(status, 200);
  assert.deepEqual(asked, ["https://a:10002/edge.crt", "https://b:1/edge.crt"]);
});

test("what one replica refuses no other is asked for", async () => {
  const { asked, http } = world({ a: "refuses", b: "answers" });
  await assert.rejects(severalServers(http, ["https://b:1"]).get(request, signal), (error) =>
    isSkerryError(error, "ENROLMENT_REFUSED"),
  );
  assert.equal(asked.length, 1);
});

test("when none can be reached, the error names the first", async () => {
  const { asked, http } = world({ a: "unreachable", b: "unreachable" });
  await assert.rejects(severalServers(http, ["https://b:1"]).get(request, signal), /https:\/\/a:10002/);
  assert.equal(asked.length, 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer } from "../../testing/test-api-server.ts";

const JOBS = "/apis/batch/v1/namespaces/default/jobs";
const job = (spec: object): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "j" },
  spec: {
    template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
    ...spec,
  },
});

/** What each change of a Job is answered with: what was wrong, or nothing. */
async function changes(spec: object, tries: readonly object[]): Promise<string[]> {
  await using server = await startTestApiServer();
  const made = await server.call("POST", JOBS, { body: job(spec) });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const answers: string[] = [];
  for (const change of tries) {
    const contentType = "application/merge-patch+json";
    const { status, body } = await server.call("PATCH", `${JOBS}/j`, { contentType, body: { spec: change } });
    const causes = (body["details"] as { causes?: { field: string; message: string }[] } | undefined)?.causes ?? [];
    const told = causes.map(({ field, message }) => `${field}: ${message.replace(/^Invalid value: .*: /, "")}`).join();
    answers.push(status === 200 ? "" : told);
  }
  return answers;
}

test("a Job keeps its selector, template, mode and policies", async () => {
  const immutable = (member: string): string => `spec.${member}: field is immutable`;
  assert.deepEqual(
    await changes({ completions: 2 }, [
      { template: { spec: { containers: [{ name: "c", image: "other" }] } } },
      { template: { spec: { nodeSelector: { a: "b" } } } },
      { completions: 3 },
      { selector: { matchLabels: { a: "b" } } },
      { podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] } },
      { managedBy: "example.com/x" },
      { parallelism: 2, backoffLimit: 1, activeDeadlineSeconds: 5, ttlSecondsAfterFinished: 3, suspend: true },
    ]),
    [
      immutable("template"),
      immutable("template"),
      immutable("completions"),
      immutable("selector"),
      immutable("podFailurePolicy"),
      immutable("managedBy"),
      "",
    ],
  );
});

test("an Indexed Job grows and shrinks together with its parallelism", async () => {
  const tandem = "spec.completions: can only be modified in tandem with spec.parallelism";
  assert.deepEqual(
    await changes({ completionMode: "Indexed", completions: 2, parallelism: 2 }, [
      { completions: 4 },
      { completions: 4, parallelism: 4 },
      { completions: 1, parallelism: 1 },
      { parallelism: 3 },
      { completionMode: "NonIndexed" },
    ]),
    [tandem, "", "", "", "spec.completionMode: field is immutable"],
  );
});

test("where a suspended Job's pods go may change until the first was made, what they run never", async () => {
  assert.deepEqual(
    await changes({ suspend: true }, [
      { template: { spec: { nodeSelector: { zone: "a" }, tolerations: [{ key: "edge", operator: "Exists" }] } } },
      { template: { metadata: { annotations: { queue: "night" } } } },
      { template: { spec: { containers: [{ name: "c", image: "other" }] } } },
    ]),
    ["", "", "spec.template: field is immutable"],
  );
});

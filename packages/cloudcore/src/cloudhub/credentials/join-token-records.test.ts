import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubernetesObject, secrets } from "@skerry/api";
import { isSkerryError } from "@skerry/base";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { systemPki } from "@skerry/pki/platform";
import fc from "fast-check";
import { decodeRecord, fitsPattern, stateOf } from "./join-token-record.ts";
import { JoinTokenRecords } from "./join-token-records.ts";

const DAY_MS = 86_400_000;
const validity = { nowMs: 1_000, expiresAtMs: 1_000 + DAY_MS };
const claim = { nodeName: "edge-1", keyFingerprint: "ab", nowMs: 2_000 };

type UpdateParameters<T extends KubernetesObject> = Parameters<typeof MemoryKubernetesApi.prototype.update<T>>;

class CountingApi extends MemoryKubernetesApi {
  updates = 0;

  override update<T extends KubernetesObject>(...parameters: UpdateParameters<T>): Promise<T> {
    this.updates++;
    return super.update(...parameters);
  }
}

test("a token's secret is not stored", async () => {
  const api = new MemoryKubernetesApi();
  const { token } = await new JoinTokenRecords(api, systemPki).create({ kind: "node", nodeName: "edge-1" }, validity);
  const stored = JSON.stringify(await api.list({ resource: secrets, namespace: "kubeedge" }));
  assert.ok(!stored.includes(token.secret));
  assert.ok(!Buffer.from(stored, "utf8").includes(Buffer.from(token.secret).toString("base64")));
});

test("tokens are listed with their state, and go a week after their end", async () => {
  const records = new JoinTokenRecords(new MemoryKubernetesApi(), systemPki);
  const { record, token } = await records.create({ kind: "node", nodeName: "edge-1" }, validity);
  assert.equal(stateOf(record, 2_000), "good");
  await records.use(token, claim);
  assert.deepEqual(
    (await records.list()).map((each) => [each.id, stateOf(each, 2_000)]),
    [[record.id, "used-up"]],
  );
  const laterMs = 1_000 + 9 * DAY_MS;
  const other = await records.create({ kind: "batch", count: 2 }, { nowMs: laterMs, expiresAtMs: laterMs + DAY_MS });
  assert.deepEqual(
    (await records.list()).map(({ id }) => id),
    [other.record.id],
  );
});

test("of two CloudCores that use a token for one node at once, one is refused", async () => {
  const api = new MemoryKubernetesApi();
  const [one, two] = [new JoinTokenRecords(api, systemPki), new JoinTokenRecords(api, systemPki)];
  const { token } = await one.create({ kind: "node", nodeName: "edge-1" }, validity);
  const both = await Promise.allSettled([one.use(token, claim), two.use(token, { ...claim, keyFingerprint: "cd" })]);
  const refusals = both.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  assert.equal(refusals.length, 1);
  assert.ok(isSkerryError(refusals[0], "PKI_TOKEN_USED_UP"));
});

test("uses that come together share a write, and each is judged by those before it", async () => {
  const api = new CountingApi();
  const records = new JoinTokenRecords(api, systemPki);
  const { record, token } = await records.create({ kind: "batch", count: 20 }, validity);
  const names = Array.from({ length: 30 }, (_, at) => `edge-${at}`);
  const outcomes = await Promise.allSettled(names.map((nodeName) => records.use(token, { ...claim, nodeName })));
  assert.deepEqual(
    outcomes.map((each) => each.status === "fulfilled"),
    names.map((_, at) => at < 20),
  );
  assert.ok(
    outcomes.every((each) => each.status === "fulfilled" || isSkerryError(each.reason, "PKI_TOKEN_USED_UP")),
    JSON.stringify(outcomes),
  );
  assert.deepEqual(
    (await records.list()).map(({ id, uses }) => [id, uses.map(({ nodeName }) => nodeName)]),
    [[record.id, names.slice(0, 20)]],
  );
  assert.equal(api.updates, 2);
  await records.revoke(record.id, 3_000);
  await assert.rejects(records.use(token, claim), (error) => isSkerryError(error, "PKI_TOKEN_REVOKED"));
});

test("revoking a token that is not there says so", async () => {
  const records = new JoinTokenRecords(new MemoryKubernetesApi(), systemPki);
  await assert.rejects(records.revoke("aaaaaaaaaa", 0), (error) => isSkerryError(error, "PKI_TOKEN_UNKNOWN"));
});

test("whatever is stored gives a record or a coded error", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        decodeRecord("x", JSON.stringify(value));
      } catch (error) {
        assert.ok(isSkerryError(error, "CLOUDHUB_TOKEN_RECORD_UNUSABLE"), String(error));
      }
    }),
  );
});

test("a pattern fits as a regular expression with .* for each star does", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "-"), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "-", "*"), maxLength: 6 });
  fc.assert(
    fc.property(letters, pattern, (name, text) => {
      assert.equal(fitsPattern(name, text), new RegExp(`^${text.replaceAll("*", ".*")}$`).test(name));
    }),
  );
});

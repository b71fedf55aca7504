import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { KubernetesObject, Pod } from "@skerry/api";
import { type Logger, silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { SqliteDatabase } from "@skerry/store/platform";
import { edgedTables } from "../edged-tables.ts";
import { sealOfKey } from "../testing/seal-of-key.ts";
import { sealedTokenTable } from "./sealed-tokens.ts";
import { ServiceAccountTokens } from "./service-account-tokens.ts";

const never = new AbortController().signal;

/** A node's database file, key and cloud; what runs on them may be started anew. */
class TokenWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly warnings: string[] = [];
  key: Uint8Array | undefined = new Uint8Array(48).fill(1);
  readonly told: string[] = [];
  issued = 0;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "skerry-tokens-"));
  database: SqliteDatabase = this.#open([edgedTables, sealedTokenTable]);

  /** As the database was before tokens were sealed, with a token in it. */
  static async ofEarlierVersion(): Promise<TokenWorld> {
    const world = new TokenWorld();
    await world.database.transaction((transaction) => {
      for (const name of ["one", "two"])
        transaction.run(
          "INSERT INTO edged_token VALUES (?, ?, ?, ?)",
          `uid-${name}`,
          JSON.stringify(["default", "", 3607]),
          `secret-of-old-${name}`.padEnd(6000, "."),
          world.clock.now() + 1000,
        );
    });
    assert.ok(world.filesHave("secret-of-old-one"));
    return world;
  }

  /** A process that has read no key yet. */
  async tokens(): Promise<ServiceAccountTokens> {
    const { database } = this;
    const logger: Logger = {
      ...silentLogger,
      info: (message) => this.told.push(message),
      warn: (message) => this.warnings.push(message),
      child: () => logger,
    };
    const tokens = new ServiceAccountTokens({
      meta: {
        read: (work) => database.read(work),
        transaction: (work) => database.transaction(work),
        call: async <T extends KubernetesObject>() => {
          this.issued++;
          const expirationTimestamp = new Date(this.clock.now() + 3_600_000).toISOString();
          const answer = { metadata: { name: "default" }, status: { token: this.secret, expirationTimestamp } };
          return answer as unknown as T;
        },
      },
      seal: sealOfKey(() => this.key),
      clock: this.clock,
      logger,
    });
    await tokens.start();
    return tokens;
  }

  /** The token that was issued last. */
  get secret(): string {
    return `secret-${this.issued}-of-the-cloud`;
  }

  /** Whether the text is anywhere in the database's files. */
  filesHave(text: string): boolean {
    return readdirSync(this.#folder).some((name) => readFileSync(join(this.#folder, name)).includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
  }

  #open(migrations: readonly string[]): SqliteDatabase {
    return new SqliteDatabase({ path: join(this.#folder, "edge.db"), migrations });
  }
}

function pod(name: string): Pod {
  return { metadata: { name, namespace: "default", uid: `uid-${name}` }, spec: { containers: [] } } as unknown as Pod;
}

test("no byte of a token is in the database's files, and the next process has it without the cloud", async () => {
  await using world = new TokenWorld();
  const { token } = await (await world.tokens()).token(pod("one"), {}, never);
  assert.equal(token, "secret-1-of-the-cloud");
  assert.ok(!world.filesHave("secret-"));
  assert.ok(world.filesHave("uid-one"), "its row is there");
  assert.equal((await (await world.tokens()).token(pod("one"), {}, never)).token, token);
  assert.equal(world.issued, 1);
});

test("a token is only for the pod and request that it was given for, also when rows change places", async () => {
  await using world = new TokenWorld();
  const tokens = await world.tokens();
  await tokens.token(pod("one"), {}, never);
  await world.database.transaction((transaction) =>
    transaction.run("UPDATE edged_sealed_token SET pod_uid = 'uid-two'"),
  );
  assert.equal((await tokens.token(pod("two"), {}, never)).token, "secret-2-of-the-cloud");
});

test("tokens that an earlier version left readable are encrypted at the first start, and wiped from the files", async () => {
  await using world = await TokenWorld.ofEarlierVersion();
  const tokens = await world.tokens();
  assert.ok(!world.filesHave("secret-of-old"), "neither in the file's free space nor in its log");
  const { token } = await tokens.token(pod("two"), {}, never);
  assert.match(token, /^secret-of-old-two\.+$/);
  assert.equal(world.issued, 0);
  assert.deepEqual(world.warnings, []);
});

test("tokens that an earlier version left readable are thrown away where the node has no key, and that is what is told", async () => {
  await using world = await TokenWorld.ofEarlierVersion();
  world.key = undefined;
  const tokens = await world.tokens();
  assert.ok(!world.filesHave("secret-of-old"));
  assert.deepEqual(world.told, []);
  assert.equal(world.warnings.length, 1);
  assert.match(world.warnings[0] ?? "", /were thrown away: the node has no key/);
  assert.equal((await tokens.token(pod("one"), {}, never)).token, "secret-1-of-the-cloud");
  assert.ok(!world.filesHave("secret-1"), "one that cannot be encrypted is not stored");
});

test("when the node's key is renewed its tokens are encrypted with the new one, and a restart has them", async () => {
  await using world = new TokenWorld();
  await (await world.tokens()).token(pod("one"), {}, never);
  const next = await world.tokens();
  world.key = new Uint8Array(48).fill(2);
  await next.sealAnew();
  assert.equal((await (await world.tokens()).token(pod("one"), {}, never)).token, "secret-1-of-the-cloud");
  assert.equal(world.issued, 1);
  assert.deepEqual(world.warnings, []);
});

test("tokens that the node's key does not open are thrown away, which is told once, and others are asked for", async () => {
  await using world = new TokenWorld();
  const first = await world.tokens();
  for (const name of ["one", "two"]) await first.token(pod(name), {}, never);
  world.key = new Uint8Array(48).fill(2);
  const tokens = await world.tokens();
  for (const name of ["one", "two"]) assert.match((await tokens.token(pod(name), {}, never)).token, /secret-[34]-/);
  assert.equal(world.issued, 4);
  assert.equal(world.warnings.length, 1);
  assert.match(world.warnings[0] ?? "", /cannot be decrypted and was thrown away/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import fc from "fast-check";
import { ApiError, failureStatus } from "../api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { MemoryKubernetesApi } from "../testing/index.ts";
import { LeaderElection } from "./leader-election.ts";
import { LeaderElector } from "./leader-elector.ts";

const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const target = { resource: leases, namespace: "kubeedge", name: "cloudcore" };

class World {
  readonly clock = new ManualClock();
  readonly api = new MemoryKubernetesApi({ now: () => this.clock.now() });
  /** Candidates that the API server does not answer. */
  readonly cutOff = new Set<string>();

  candidate(identity: string): LeaderElector {
    const api: KubernetesApi = new Proxy(this.api, {
      get: (inner, name) =>
        this.cutOff.has(identity)
          ? () => Promise.reject(new ApiError(failureStatus(503, "ServiceUnavailable", "cut off")))
          : Reflect.get(inner, name).bind(inner),
    });
    const { namespace, name } = target;
    const random = new SeededRandom(identity.length);
    return new LeaderElector({
      api,
      clock: this.clock,
      random,
      logger: silentLogger,
      namespace,
      name,
      identity,
      times,
    });
  }

  lease(): Promise<Lease> {
    return this.api.get<Lease>(target);
  }
}

test("of two candidates one leads, and the other takes over when the lease has not changed for its duration", async () => {
  const world = new World();
  const first = world.candidate("first");
  await using second = world.candidate("second");
  await first.start();
  await settle();
  await second.start();
  await world.clock.advance(60_000);
  assert.equal(first.isLeader, true);
  assert.equal(second.isLeader, false);
  assert.equal((await world.lease()).spec?.leaseTransitions, 0);
  world.cutOff.add("first");
  await world.clock.advance(9_000);
  assert.equal(second.isLeader, false);
  await world.clock.advance(10_000);
  assert.equal(first.isLeader, false, "it could not renew");
  assert.equal(second.isLeader, true);
  assert.equal((await world.lease()).spec?.leaseTransitions, 1);
  world.cutOff.clear();
  await world.clock.advance(10_000);
  assert.equal(first.isLeader, false);
  await first[Symbol.asyncDispose]();
});

test("a leader that ends gives the lease back, and the next try of another takes it", async () => {
  const world = new World();
  const first = world.candidate("first");
  await first.start();
  await settle();
  await using second = world.candidate("second");
  await second.start();
  await first[Symbol.asyncDispose]();
  assert.equal(first.isLeader, false);
  await world.clock.advance(2_500);
  assert.equal(second.isLeader, true);
});

test("at no time two lead, whatever answers are lost and however the candidates' turns fall", () => {
  // A turn: who, how much later, and whether the answer to its write is lost (it is stored all the same).
  const turn = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    afterMs: fc.integer({ min: 0, max: 8_000 }),
    writeTakesMs: fc.integer({ min: 0, max: 4_000 }),
    isAnswerLost: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
      const candidates = ["a", "b", "c"].map((identity) => new LeaderElection(identity, times));
      let lease: Lease | undefined;
      let version = 0;
      let nowMs = 0;
      for (const { who, afterMs, writeTakesMs, isAnswerLost } of turns) {
        nowMs += afterMs;
        const step = candidates[who]?.decide(lease, nowMs, "");
        if (step?.kind === "write") {
          const askedAtMs = nowMs;
          nowMs += writeTakesMs;
          version++;
          const metadata = { name: "cloudcore", resourceVersion: String(version) };
          lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: step.spec };
          if (!isAnswerLost) candidates[who]?.written(lease, askedAtMs, nowMs);
        }
        const leaders = candidates.filter((candidate) => candidate.leads(nowMs));
        assert.ok(leaders.length <= 1, `${leaders.length} lead`);
      }
    }),
  );
});

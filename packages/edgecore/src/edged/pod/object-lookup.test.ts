import assert from "node:assert/strict";
import { test } from "node:test";
import { abortReason } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { objectLookup } from "./object-lookup.ts";

/** A cloud that is asked and never answers, as over a link that is dead and not known to be. */
class SilentCloud implements Pick<MetaClient, "get" | "fetch"> {
  asked = 0;

  get(): undefined {
    return undefined;
  }

  fetch<T>(_key: unknown, signal?: AbortSignal): Promise<T> {
    this.asked++;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(abortReason(signal))));
  }
}

test("an object that a pod can do without is waited for two seconds, not for the link to be found dead", async () => {
  const clock = new ManualClock();
  const cloud = new SilentCloud();
  const stopped = new AbortController();
  // Only reading is used here.
  const lookup = objectLookup(cloud as unknown as MetaClient, clock, "default", new Map(), () => stopped.signal);
  const answers: unknown[] = [];
  void lookup("configmap", "settings", true).then((found) => answers.push(found));
  await clock.advance(1999);
  assert.equal(answers.length, 0);
  await clock.advance(1);
  assert.deepEqual(answers, [undefined]);
  assert.equal(await lookup("configmap", "settings", true), undefined);
  assert.equal(cloud.asked, 1, "it is not asked for again at once");
});

test("an object that a pod needs is waited for until its worker is stopped", async () => {
  const clock = new ManualClock();
  const stopped = new AbortController();
  // Only reading is used here.
  const meta = new SilentCloud() as unknown as MetaClient;
  const lookup = objectLookup(meta, clock, "default", new Map(), () => stopped.signal);
  const looking = assert.rejects(lookup("secret", "password", false), { code: "EDGED_REFERENCE_MISSING" });
  await clock.advance(60_000);
  stopped.abort();
  await looking;
});

// The commands that were recorded of kubectl against a real kube-apiserver 1.36, run against `skerry controlplane`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../support/replay/compare.ts";
import { knownDifference, readDifferences } from "../support/replay/differences.ts";
import { recordings } from "../support/replay/recorded-command.ts";
import { ReplayCluster } from "../support/replay/replay.ts";

/** The share of exit codes, outputs and answers that must be those of the real API server; 95 are, but for matters of time. */
const LEAST_EQUAL_PERCENT = 94;

test("kubectl's recorded commands get the exit codes, outputs and answers of a real API server but for what is listed", async (context) => {
  const differences = readDifferences();
  const used = new Set<object>();
  const unlisted: string[] = [];
  let [total, equal] = [0, 0];
  await using cluster = await ReplayCluster.start();
  for (const recording of recordings) {
    let [own, ownEqual] = [0, 0];
    const beganMs = performance.now();
    for (const compared of await cluster.replay(recording))
      for (const comparison of compared.comparisons) {
        own++;
        if (comparison.equal) ownEqual++;
        else {
          const known = knownDifference(differences, compared, comparison);
          if (known) used.add(known);
          else
            unlisted.push(
              `${recording}: ${compared.command}: ${comparison.what}\n  ${explain(comparison).join("\n  ")}`,
            );
        }
      }
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
    context.diagnostic(`${recording}: ${ownEqual} of ${own} are equal, ${seconds} s`);
    total += own;
    equal += ownEqual;
  }
  const percent = (100 * equal) / total;
  context.diagnostic(
    `together: ${equal} of ${total}, ${percent.toFixed(1)} %; the others are in ${differences.length} entries`,
  );
  for (const entry of differences)
    if (!used.has(entry)) context.diagnostic(`no longer differs: ${entry.command} ${entry.what ?? ""}`);
  assert.deepEqual(unlisted, [], `not in fixtures/kubernetes/differences.json:\n${unlisted.join("\n")}`);
  assert.ok(percent >= LEAST_EQUAL_PERCENT, `${percent.toFixed(1)} %`);
});

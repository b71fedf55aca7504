// Time to ready: of `skerry up` and of its steps, the first time (keys are made, code is compiled) and after that.
import { spawnSync } from "node:child_process";
import { type Figure, milliseconds, table } from "./support/results.ts";
import type { ShippedSkerry } from "./support/shipped-skerry.ts";
import { median } from "./support/statistics.ts";

const RESTARTS = 3;
const STEPS = ["Kubernetes API", "CloudCore", "EdgeCore"];

/** Measures and returns a table; Skerry runs afterwards. */
export function measureStart(skerry: ShippedSkerry): string {
  const first = skerry.up();
  const later = Array.from({ length: RESTARTS }, () => {
    skerry.run("down");
    return skerry.up();
  });
  const figures: Figure[] = [
    { what: "bare Node.js, start to end", value: milliseconds(bareNodeMs()) },
    { what: "`skerry up --detach`, first", value: milliseconds(first.totalMs) },
    {
      what: `\`skerry up --detach\`, median of ${RESTARTS} more`,
      value: milliseconds(median(later.map(({ totalMs }) => totalMs))),
    },
  ];
  for (const step of STEPS) {
    const again = median(later.map(({ stepsMs }) => stepsMs.get(step) ?? Number.NaN));
    const firstMs = first.stepsMs.get(step) ?? Number.NaN;
    figures.push({ what: `${step} ready: first / later`, value: `${milliseconds(firstMs)} / ${milliseconds(again)}` });
  }
  return table("Time to ready", figures);
}

function bareNodeMs(): number {
  const samples = Array.from({ length: 5 }, () => {
    const beganMs = performance.now();
    spawnSync(process.execPath, ["-e", "0"], { env: {} });
    return performance.now() - beganMs;
  });
  return median(samples);
}

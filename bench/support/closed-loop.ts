import { percentile } from "./statistics.ts";

/** What a series of calls took. */
export interface LoopResult {
  readonly callsPerSecond: number;
  /** Of each call, in milliseconds, in the order in which they ended. */
  readonly latenciesMs: readonly number[];
}

/** Makes `count` calls, `concurrency` at a time, each as soon as one before it has ended. Rejects with the first failure. */
export async function closedLoop(
  count: number,
  concurrency: number,
  call: (index: number) => Promise<unknown>,
): Promise<LoopResult> {
  const latenciesMs: number[] = [];
  let next = 0;
  const beganMs = performance.now();
  const client = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const startMs = performance.now();
      await call(index);
      latenciesMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  return { callsPerSecond: (1000 * count) / (performance.now() - beganMs), latenciesMs };
}

/** `calls per second · median / 99th percentile`. */
export function shownLoop({ callsPerSecond, latenciesMs }: LoopResult): string {
  const [half, most] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
  return `${callsPerSecond.toFixed(0)}/s · ${half.toFixed(1)} / ${most.toFixed(1)} ms`;
}

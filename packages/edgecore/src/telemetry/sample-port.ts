import type { Sample } from "@skerry/link";

/** Where the edge's modules put what they measure. */
export interface SampleRecorder {
  /**
   * Takes samples; resolves when they are on the disk, or were dropped and counted. Never rejects: a value that cannot
   * be kept is no reason to refuse the update that it came with.
   */
  record(samples: readonly Sample[]): Promise<void>;
}

/** Stands in where no samples are kept. */
export const noSampleRecorder: SampleRecorder = { record: () => Promise.resolve() };

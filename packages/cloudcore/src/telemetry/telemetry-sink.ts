import type { RecordedSample, SampleQuery } from "@skerry/link";

/** Samples of one node that follow one another in its stream. */
export interface SampleBatch {
  readonly nodeName: string;
  readonly stream: string;
  /** The stream begins after this sequence. */
  readonly base: number;
  /**
   * What the node was told is stored. A sink that has less has lost samples (it was put back from a backup) and stores
   * nothing: the node sends again what it still has, in order. Undefined from a node that does not say so.
   */
  readonly after?: number | undefined;
  /** The stream of which it was told so; undefined when it is this one, or the node does not say so. */
  readonly afterStream?: string | undefined;
  /** In the order of their sequences. */
  readonly samples: readonly RecordedSample[];
  /** Devices whose samples are not to be stored; their sequences count as settled all the same. */
  readonly refusedDevices?: ReadonlySet<string>;
}

/** What a batch has led to. */
export interface AppendResult {
  /** All that will ever be stored of the stream up to this sequence is committed; below `after`: nothing was stored. */
  readonly cursor: number;
  /** Samples that were there already. */
  readonly duplicates: number;
  /** Sequences that were left out: their samples were dropped at the edge. */
  readonly missing: number;
}

/** A sample in the cloud. */
export interface StoredSample extends RecordedSample {
  readonly nodeName: string;
}

/** How far a node's stream is stored. */
export interface StoredStream {
  readonly nodeName: string;
  readonly stream: string;
  readonly cursor: number;
  /** Sequences that never came, all together. */
  readonly missing: number;
}

/**
 * Where samples end up. A batch and the stream's cursor are one transaction, so that a sample is stored once however
 * often it comes, and nothing that was confirmed is lost.
 */
export interface TelemetrySink extends AsyncDisposable {
  /** Cursor of a stream; 0 when nothing is known of it. */
  cursor(nodeName: string, stream: string): Promise<number>;
  append(batch: SampleBatch): Promise<AppendResult>;
  /** The newest samples that fit, by time. */
  query(query: SampleQuery): Promise<StoredSample[]>;
  streams(): Promise<StoredStream[]>;
  /** Removes samples observed before; returns how many. The cursors stay. */
  prune(beforeMs: number): Promise<number>;
}

/**
 * What becomes of a batch when the sink is behind what the node was told; undefined when it is not. `known` is the stream's
 * cursor. The first batch of a stream follows on another stream: `before` is the cursor of that one, or the highest of
 * all the node's streams when the node does not name it. Any other batch does not: a ring that was put back from a copy
 * gives sequences out again, so that another stream may have as many.
 */
export function refusal(
  { base, after = 0 }: SampleBatch,
  known: number | undefined,
  before: () => number,
): AppendResult | undefined {
  const cursor = known ?? 0;
  const isThere = cursor >= after || (after <= base && before() >= after);
  return isThere ? undefined : { cursor, duplicates: 0, missing: 0 };
}

/** What a batch means to a stream that stands at `cursor`. */
export function placeBatch(
  batch: SampleBatch,
  cursor: number,
): { readonly result: AppendResult; readonly toStore: readonly RecordedSample[] } {
  const fresh = batch.samples.filter(({ sequence }) => sequence > cursor);
  const last = fresh.at(-1)?.sequence ?? cursor;
  return {
    result: {
      cursor: last,
      duplicates: batch.samples.length - fresh.length,
      missing: last - cursor - fresh.length,
    },
    toStore: fresh.filter(({ deviceId }) => !batch.refusedDevices?.has(deviceId)),
  };
}

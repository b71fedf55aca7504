/** One value of one property of a device at one time. */
export interface Sample {
  /** `<namespace>/<name>` of the Device. */
  readonly deviceId: string;
  readonly property: string;
  readonly value: string;
  /** When the value was observed, wall clock in milliseconds. */
  readonly timestampMs: number;
}

/** A sample as it is stored. Each is stored once per (stream, sequence); within a stream the order is the sequence's. */
export interface RecordedSample extends Sample {
  /** Names what one EdgeCore process recorded. */
  readonly stream: string;
  /** Number of the sample in its stream, from 1. */
  readonly sequence: number;
}

/** Which samples are wanted. */
export interface SampleQuery {
  readonly deviceId: string;
  readonly property: string;
  /** Earliest time, wall clock in milliseconds. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The newest of so many. */
  readonly limit: number;
}

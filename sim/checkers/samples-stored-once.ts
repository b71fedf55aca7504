import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** A sample in the cloud's sink. */
export interface SinkSample {
  readonly stream: string;
  readonly sequence: number;
  readonly value: string;
}

/** A disk in trouble may cost samples whose commit was under way when it began or whose retry came after it ended. */
const MARGIN_MS = 1_000;

/**
 * I12: of one node, in the order of (stream, sequence): samples lie in the order of the device's reports, and each value
 * that the device's client was told is accepted is among them. Not those of a disk in trouble, which are counted drops,
 * nor those from before a restored database.
 */
export function checkSamplesStoredOnce(samples: readonly SinkSample[], events: readonly HistoryEvent[]): Violation[] {
  const reported = events.flatMap((event) => (event.kind === "twin-reported" ? [event.value] : []));
  return [...disorder(samples, reported), ...losses(samples, events)].map((message) => ({ invariant: "I12", message }));
}

function disorder(samples: readonly SinkSample[], reported: readonly string[]): string[] {
  const messages: string[] = [];
  let before: SinkSample | undefined;
  for (const sample of samples) {
    if (before?.stream === sample.stream && reported.indexOf(sample.value) < reported.indexOf(before.value))
      messages.push(`the sample ${sample.value} lies after ${before.value} in the stream`);
    before = sample;
  }
  return messages;
}

function losses(samples: readonly SinkSample[], events: readonly HistoryEvent[]): string[] {
  const stored = new Set(samples.map(({ value }) => value));
  const restoredMs = events.findLast(({ kind }) => kind === "database-restored")?.atMs ?? Number.NEGATIVE_INFINITY;
  const troubles = events.filter((event) => event.kind === "disk-troubled");
  const isTroubled = (atMs: number): boolean =>
    troubles.some(({ atMs: beganMs, isOn }, index) => {
      const endedMs = troubles[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      return isOn && atMs > beganMs - MARGIN_MS && atMs < endedMs + MARGIN_MS;
    });
  return events
    .filter((event) => event.kind === "twin-accepted")
    .filter(({ atMs, value }) => atMs > restoredMs && !isTroubled(atMs) && !stored.has(value))
    .map(({ value, atMs }) => `the sample ${value}, accepted at ${atMs} ms, is not in the sink`);
}

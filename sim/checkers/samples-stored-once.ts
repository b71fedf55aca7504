import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** A sample in the cloud's sink. */
export interface SinkSample {
  readonly stream: string;
  readonly sequence: number;
  readonly device: string;
  readonly value: string;
}

/** What the sink says of a stream, and what it has of it. */
export interface SinkStream {
  readonly stream: string;
  /** All up to this sequence was there. */
  readonly cursor: number;
  /** Sequences that it says never came. */
  readonly missing: number;
  /** Of its samples: the lowest sequence, and how many there are. */
  readonly first: number | undefined;
  readonly count: number;
}

/** What became of one node's samples. */
export interface SampleState {
  /** In the order of (stream, sequence). */
  readonly samples: readonly SinkSample[];
  readonly streams: readonly SinkStream[];
  /** Those of this node. */
  readonly events: readonly HistoryEvent[];
  /** Samples that the ring says it has dropped before the cloud had them. */
  readonly dropped: number;
  /** Whether the ring is so small that it drops samples. */
  readonly isRingTight: boolean;
}

/** A disk in trouble may cost samples whose commit was under way when it began or whose retry came after it ended. */
const MARGIN_MS = 1_000;

/**
 * I12: the samples of each device lie in the order of its reports; each value that was accepted of it is among them, but
 * for counted drops; a sequence that is not there is counted as missing. Not owed are samples of a disk in trouble, those
 * from before a restored ring and, when the ring is too small to keep what was sent, from before a restored sink.
 */
export function checkSamplesStoredOnce(state: SampleState): Violation[] {
  return [...disorder(state), ...losses(state), ...gaps(state)].map((message) => ({ invariant: "I12", message }));
}

function disorder({ samples, events }: SampleState): string[] {
  const messages: string[] = [];
  const order = new Map<string, number>();
  for (const event of events)
    if (event.kind === "twin-reported") order.set(`${event.device} ${event.value}`, order.size);
  const before = new Map<string, SinkSample>();
  for (const sample of samples) {
    const { stream, device, value } = sample;
    const line = `${stream} ${device}`;
    const earlier = before.get(line);
    const isLater = earlier === undefined || place(order, sample) > place(order, earlier);
    if (!isLater) messages.push(`the sample ${value} of ${device} lies after ${earlier?.value} in the stream`);
    before.set(line, sample);
  }
  return messages;
}

function place(order: ReadonlyMap<string, number>, { device, value }: SinkSample): number {
  return order.get(`${device} ${value}`) ?? -1;
}

function losses({ samples, events, dropped, isRingTight }: SampleState): string[] {
  const stored = new Set(samples.map(({ device, value }) => `${device} ${value}`));
  // An older edge does not say what it was told, so that a restored sink cannot notice its gap.
  const isSinkLossHidden = isRingTight || events.some(({ kind }) => kind === "edge-outdated");
  const owedFromMs =
    events.findLast(({ kind }) => kind === "samples-restored" || (isSinkLossHidden && kind === "sink-restored"))
      ?.atMs ?? Number.NEGATIVE_INFINITY;
  const troubles = events.filter((event) => event.kind === "disk-troubled");
  const isTroubled = (atMs: number): boolean =>
    troubles.some(({ atMs: beganMs, isOn }, index) => {
      const endedMs = troubles[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      return isOn && atMs > beganMs - MARGIN_MS && atMs < endedMs + MARGIN_MS;
    });
  const lost = events
    .filter((event) => event.kind === "twin-accepted")
    .filter(({ atMs, device, value }) => atMs > owedFromMs && !isTroubled(atMs) && !stored.has(`${device} ${value}`));
  if (lost.length <= dropped) return [];
  return lost.map(
    ({ device, value, atMs }) =>
      `the sample ${value} of ${device}, accepted at ${atMs} ms, is not in the sink, and ${dropped} were counted as dropped`,
  );
}

function gaps({ streams }: SampleState): string[] {
  return streams
    .map(({ stream, cursor, missing, first, count }) => {
      const gap = first === undefined ? 0 : cursor - first + 1 - count;
      return gap > missing ? `${gap} sequences of ${stream} are not there, ${missing} are counted as missing` : "";
    })
    .filter((message) => message !== "");
}

import { type Clock, isJsonObject, sleep } from "@skerry/base";
import type { TelemetrySink } from "@skerry/cloudcore";
import type { LinkListen } from "@skerry/link";
import type { Database } from "@skerry/store";
import { running } from "./altered-database.ts";
import { hearingOthers } from "./heard-messages.ts";
import type { Mutant } from "./mutant.ts";

/** Bugs on the way of samples: ring, uplink and sink. */
export const SAMPLE_MUTANTS: readonly Mutant[] = [
  {
    name: "sequence-reused",
    description: "the stream keeps its name for ever: a ring put back from a copy gives its sequences out again",
    protocol: "skerry",
    mutateSamples: (database) =>
      running(database, "INTO telemetry_segment", (transaction, sql, [base = 0]) =>
        transaction.run(sql, base, "the ring"),
      ),
  },
  {
    name: "drop-not-counted",
    description: "a full ring drops samples and does not count them",
    protocol: "skerry",
    mutateSamples: (database) =>
      running(database, "INTO telemetry_ring", (transaction, sql, [acknowledged = 0, , bytes = 0]) =>
        transaction.run(sql, acknowledged, 0, bytes),
      ),
  },
  {
    name: "sample-acknowledged-before-sink",
    description: "the cloud confirms samples before the sink has committed them",
    protocol: "skerry",
    mutateSink: confirmingAtOnce,
  },
  {
    name: "sample-stored-twice",
    description: "the sink does not remember how far it has a stream, and stores again what comes again",
    protocol: "skerry",
    mutateSink: forgettingCursors,
  },
  {
    name: "cursor-without-samples",
    description: "the sink commits the stream's cursor first, and its samples in a transaction of their own",
    protocol: "skerry",
    mutateSinkDatabase: storingSamplesLater,
  },
  {
    name: "gap-not-counted",
    description: "the sink does not count sequences that never came",
    protocol: "skerry",
    mutateSinkDatabase: (database) =>
      running(database, "UPDATE telemetry_stream SET cursor", (transaction, sql, [cursor = 0, , id = 0]) =>
        transaction.run(sql, cursor, 0, id),
      ),
  },
  {
    name: "lost-samples-not-noticed",
    description:
      "CloudCore does not compare what the sink has with what the node was told: a restored sink keeps its gap",
    protocol: "skerry",
    mutateListen: notHearingAfter,
  },
];

function withSink(sink: TelemetrySink, changes: Partial<TelemetrySink>): TelemetrySink {
  return {
    cursor: (nodeName, stream) => sink.cursor(nodeName, stream),
    append: (batch) => sink.append(batch),
    query: (query) => sink.query(query),
    streams: () => sink.streams(),
    prune: (beforeMs) => sink.prune(beforeMs),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    ...changes,
  };
}

function confirmingAtOnce(sink: TelemetrySink): TelemetrySink {
  return withSink(sink, {
    append: async (batch) => {
      sink.append(batch).catch(() => undefined);
      return { cursor: batch.samples.at(-1)?.sequence ?? 0, duplicates: 0, missing: 0 };
    },
  });
}

function forgettingCursors(sink: TelemetrySink): TelemetrySink {
  return withSink(sink, {
    cursor: async () => 0,
    append: async (batch) => {
      const cursor = await sink.cursor(batch.nodeName, batch.stream);
      const first = batch.samples[0]?.sequence ?? 0;
      const shift = Math.max(0, cursor + 1 - first);
      const samples = batch.samples.map((sample) => ({ ...sample, sequence: sample.sequence + shift }));
      return sink.append({ ...batch, after: undefined, samples });
    },
  });
}

const LATER_MS = 200;

function storingSamplesLater(database: Database, clock: Clock): Database {
  return running(database, "INSERT INTO telemetry_sample", (_transaction, sql, parameters) => {
    sleep(clock, LATER_MS)
      .then(() => database.transaction((later) => later.run(sql, ...parameters)))
      .catch(() => undefined);
    return 1;
  });
}

function notHearingAfter(listen: LinkListen): LinkListen {
  return hearingOthers(listen, () => (message) => {
    const { content } = message;
    if (message.route.source !== "telemetry" || !isJsonObject(content)) return message;
    const { after: _, ...rest } = content;
    return { ...message, content: rest };
  });
}

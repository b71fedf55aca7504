import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LogFormatter } from "./log-formatter.ts";

interface Entry {
  readonly time: string;
  readonly stream: string;
  readonly tags: string;
  readonly content: string;
}

/** Times of several lengths, as several runtimes write them, and contents that look like the head of an entry. */
const entries = fc.array(
  fc.record<Entry>({
    time: fc.constantFrom(
      "2026-01-01T00:00:00.123456789Z",
      "2026-01-01T00:00:00.123456789+01:00",
      "2026-01-01T00:00:00.12Z",
      "2026-01-01T00:00:00Z",
    ),
    stream: fc.constantFrom("stdout", "stderr"),
    tags: fc.constantFrom("F", "P", "F:more"),
    content: fc.oneof(
      fc.constantFrom("", " ", "2026-01-01T00:00:00Z stdout F x", "a b c d e f g h i", "ü\u00a0"),
      fc.string({ maxLength: 12 }).map((text) => text.replaceAll("\n", "")),
    ),
  }),
  { maxLength: 8 },
);

/** What is to be printed, in the plainest way. */
function expected(log: readonly Entry[], timestamps: boolean): string {
  let text = "";
  let withinLine = false;
  for (const { time, tags, content } of log) {
    text += `${timestamps && !withinLine ? `${time} ` : ""}${content}`;
    withinLine = tags === "P";
    if (!withinLine) text += "\n";
  }
  return text;
}

test("what is printed is the same, whatever the blocks and whatever the contents", () => {
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 8 });
  fc.assert(
    fc.property(entries, cuts, fc.boolean(), (log, places, timestamps) => {
      const raw = log.map(({ time, stream, tags, content }) => `${time} ${stream} ${tags} ${content}\n`).join("");
      const bytes = new TextEncoder().encode(raw);
      const formatter = new LogFormatter({ timestamps, sinceMs: undefined, limitBytes: undefined });
      const ordered = [0, ...places.sort((left, right) => left - right), bytes.length];
      const printed = ordered.map((from, at) => formatter.format(bytes.slice(from, ordered[at + 1] ?? bytes.length)));
      assert.equal(Buffer.concat(printed).toString(), expected(log, timestamps));
    }),
  );
});

test("what is no entry is printed as it is", () => {
  const lines = "no entry\n\n  two spaces stdout F\nstdout F x\n2026-01-01T00:00:00Z other F x\n";
  for (const timestamps of [false, true]) {
    const printed = new LogFormatter({ timestamps, sinceMs: undefined, limitBytes: undefined }).format(
      new TextEncoder().encode(lines),
    );
    assert.equal(Buffer.from(printed).toString(), lines);
  }
});

test("an entry without an end is printed in pieces, and never more of it is kept than a megabyte and a block", () => {
  const formatter = new LogFormatter({ timestamps: false, sinceMs: undefined, limitBytes: undefined });
  let printedBytes = 0;
  for (let block = 0; block < 100; block++) printedBytes += formatter.format(new Uint8Array(64 * 1024).fill(65)).length;
  assert.ok(printedBytes > 100 * 64 * 1024 - 1_200_000, `${printedBytes}`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sizeBytes, TERMINAL_BEGIN, TerminalOutput, TerminalSizes, typedBytes } from "./terminal-bytes.ts";

/** What busybox' telnetd begins with: four options, and the line that it puts before every login. */
const GREETING = Uint8Array.from([255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3, 13, 13, 10]);

/** What a terminal that is told this in these pieces shows. */
function shown(pieces: readonly Uint8Array[], hasBegun = false): number[] {
  const output = new TerminalOutput(hasBegun);
  return pieces.flatMap((piece) => [...output.take(piece)]);
}

test("what a command writes is shown as it is, and nothing that stands before it, however it is cut", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(250), { maxLength: 5 }), (text, cuts) => {
      const whole = Uint8Array.from([...GREETING, TERMINAL_BEGIN, ...typedBytes(text)]);
      const points = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
      const pieces = points.slice(1).map((end, at) => whole.subarray(points[at], end));
      assert.deepEqual(shown(pieces), [...text]);
    }),
  );
});

test("who takes over a terminal that another has begun to read goes on in its text", () => {
  assert.deepEqual(shown([Uint8Array.from([1, TERMINAL_BEGIN, 255, 255, 255, 251, 1, 3])], true), [
    1,
    TERMINAL_BEGIN,
    255,
    3,
  ]);
});

test("a terminal's size is sent as Telnet does, in numbers that fit", () => {
  const size = (columns: number, rows: number): number[] => [...sizeBytes({ columns, rows })];
  assert.deepEqual(size(80, 24), [255, 250, 31, 0, 80, 0, 24, 255, 240]);
  assert.deepEqual(size(1e9, -1), [255, 250, 31, 255, 255, 0, 0, 255, 240]);
});

test("sizes are read from JSON however it is cut, and what is no size is skipped", () => {
  const sizes = new TerminalSizes();
  const take = (text: string): unknown => sizes.take(new TextEncoder().encode(text));
  assert.deepEqual(take('{"Width":80,"Hei'), []);
  assert.deepEqual(take('ght":24}\n{"Width":100,"Height":30}\n'), [
    { columns: 80, rows: 24 },
    { columns: 100, rows: 30 },
  ]);
  assert.deepEqual(take('{"Width":"a","Height":1}no json}{"Width":1,"Height":2}'), [{ columns: 1, rows: 2 }]);
  assert.deepEqual(take("x".repeat(100_000)), []);
});

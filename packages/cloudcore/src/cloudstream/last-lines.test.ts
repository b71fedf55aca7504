import assert from "node:assert/strict";
import { test } from "node:test";
import { LastLines } from "./last-lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: Uint8Array | undefined): string | undefined => found && new TextDecoder().decode(found);

test("of a log its last whole lines are kept, within 16 KiB", () => {
  const lines = new LastLines();
  const note = lines.begin("/a");
  for (let at = 0; at < 5000; at++) note(bytes(`line ${at}\n`));
  const kept = text(lines.of("/a", undefined)) ?? "";
  assert.ok(kept.length <= 16 * 1024 && kept.length > 16 * 1024 - 20);
  assert.match(kept, /^line \d+\n/);
  assert.ok(kept.endsWith("line 4999\n"));
});

test("the newest lines are given when so many are asked for, and a new reading replaces the old", () => {
  const lines = new LastLines();
  lines.begin("/a")(bytes("1\n2\n3\n"));
  assert.equal(text(lines.of("/a", 2)), "2\n3\n");
  assert.equal(text(lines.of("/a", 9)), "1\n2\n3\n");
  lines.begin("/a")(bytes("4\n"));
  assert.equal(text(lines.of("/a", undefined)), "4\n");
  assert.equal(lines.of("/b", undefined), undefined);
});

test("of more than 256 logs the one read longest ago is forgotten", () => {
  const lines = new LastLines();
  for (let at = 0; at < 257; at++) lines.begin(`/${at}`)(bytes("x\n"));
  assert.equal(lines.of("/0", undefined), undefined);
  assert.equal(text(lines.of("/1", undefined)), "x\n");
});

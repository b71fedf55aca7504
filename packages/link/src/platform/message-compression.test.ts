import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { MESSAGE_DICTIONARY } from "../compression/message-dictionary.ts";
import { compressMessage, expandMessage } from "./message-compression.ts";

const folder = new URL("../../../../fixtures/link/", import.meta.url);
const dictionary = Buffer.from(MESSAGE_DICTIONARY);
const MEBIBYTE = 1024 * 1024;

/** All messages of the recordings. */
const recorded: readonly string[] = readdirSync(folder).flatMap((name) =>
  readFileSync(new URL(name, folder), "utf8")
    .split("\n")
    .flatMap((line) => {
      const { msg } = line === "" ? {} : JSON.parse(line);
      return msg === undefined ? [] : [JSON.stringify(msg)];
    }),
);

test("what is compressed is the same when it is expanded", () => {
  const texts = fc.oneof(fc.constantFrom(...recorded), fc.string({ unit: "binary", maxLength: 5000 }));
  fc.assert(
    fc.property(texts, fc.nat(40), (text, times) => {
      const message = text.toWellFormed().repeat(times + 1);
      const compressed = compressMessage(message);
      if (compressed) assert.equal(expandMessage(compressed, 64 * MEBIBYTE), message);
    }),
  );
});

test("recorded messages shrink to a quarter and less, acknowledgements to a half and less", () => {
  const sizes = recorded.map((text) => [Buffer.byteLength(text), (compressMessage(text) ?? Buffer.from(text)).length]);
  const sum = (index: number): number => sizes.reduce((total, pair) => total + (pair[index] ?? 0), 0);
  assert.ok(sum(1) * 4 < sum(0), `${sum(0)} bytes became ${sum(1)}`);
  const acknowledgements = recorded.filter((text) => text.endsWith('"content":"OK"}') && text.length > 200);
  assert.ok(acknowledgements.length > 50);
  for (const text of acknowledgements) assert.ok((compressMessage(text)?.length ?? 1e9) * 2 < text.length, text);
});

test("what does not gain by it is not compressed", () => {
  assert.equal(compressMessage('{"header":{}}'), undefined, "too small");
  assert.equal(
    compressMessage(
      Buffer.from(dictionary.map((_, at) => (at * 7919) % 251))
        .toString("base64url")
        .slice(0, 150),
    ),
    undefined,
  );
});

test("a few bytes never expand to much: what repeats itself endlessly goes as it is, and is refused if it comes", () => {
  const endless = `{"content":"${"a".repeat(4 * MEBIBYTE)}"}`;
  assert.equal(compressMessage(endless), undefined);
  const bomb = deflateRawSync(Buffer.from(endless), { dictionary });
  assert.ok(bomb.length < 20_000);
  assert.throws(
    () => expandMessage(bomb, 64 * MEBIBYTE),
    (error) => isSkerryError(error, "LINK_MESSAGE_TOO_LARGE"),
  );
  const twoMebibytes =
    compressMessage(recorded.join("\n").slice(0, 700_000).repeat(3)) ?? assert.fail("not compressed");
  assert.throws(
    () => expandMessage(twoMebibytes, MEBIBYTE),
    (error) => isSkerryError(error, "LINK_MESSAGE_TOO_LARGE"),
  );
});

test("what is not compressed that way is refused", () => {
  for (const wrong of [Buffer.from("{}"), Buffer.alloc(0), Buffer.from("not deflate at all")])
    assert.throws(
      () => expandMessage(wrong, MEBIBYTE),
      (error) => isSkerryError(error, "LINK_MESSAGE_INVALID"),
    );
});

test("the dictionary is the one that its name stands for", () => {
  const digest = createHash("sha256").update(MESSAGE_DICTIONARY).digest("hex").slice(0, 16);
  assert.equal(
    digest,
    "d731ce4b116128c5",
    "a changed dictionary needs a new COMPRESSION_NAME, or peers do not understand each other",
  );
});

import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { fromBase64, toBase64 } from "@skerry/base";
import { formatCel } from "./format-text.ts";
import { itemsOf } from "./list-functions.ts";
import type { PatternCache } from "./pattern-cache.ts";

/** Most matches that `findAll` returns. */
const MATCH_LIMIT = 10_000;

class Base64Functions {}

/** Kubernetes' functions of texts that the library has not: patterns, `replace`, `charAt`, `format`, `base64`. */
export function registerStringFunctions(environment: Environment, patterns: PatternCache): void {
  const checked = <Result>(pattern: string, use: () => Result): Result => {
    const problem = patterns.problemOf(pattern);
    if (problem !== undefined) throw new EvaluationError(problem);
    return use();
  };
  const isFound = (text: string, pattern: string): boolean => checked(pattern, () => patterns.isFoundIn(text, pattern));
  const findAll = (text: string, pattern: string, limit: bigint): string[] =>
    checked(pattern, () =>
      patterns.matchesIn(text, pattern, limit < 0n ? MATCH_LIMIT : Math.min(Number(limit), MATCH_LIMIT)),
    );
  environment
    // `matches` itself belongs to the library; expressions are rewritten to this one (cel-rewriting.ts).
    .registerFunction("string.matchesPattern(string): bool", isFound)
    .registerFunction("matches(string, string): bool", isFound)
    .registerFunction(
      "string.find(string): string",
      (text: string, pattern: string) => findAll(text, pattern, 1n)[0] ?? "",
    )
    .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) =>
      findAll(text, pattern, -1n),
    )
    .registerFunction("string.findAll(string, int): list<string>", findAll)
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction(
      "string.replace(string, string, int): string",
      (text: string, from: string, to: string, count: bigint) => {
        if (count < 0n) return text.replaceAll(from, () => to);
        const parts = text.split(from);
        const kept = Math.min(Number(count), parts.length - 1);
        return [...parts.slice(0, kept), parts.slice(kept).join(from)].join(to);
      },
    )
    .registerFunction("string.charAt(int): string", (text: string, index: bigint) => {
      const letters = [...text];
      if (index < 0n || index > letters.length) throw new EvaluationError(`index out of range: ${index}`);
      return letters[Number(index)] ?? "";
    })
    .registerFunction("string.reverse(): string", (text: string) => [...text].reverse().join(""))
    .registerFunction("string.format(list): string", (text: string, values: Iterable<unknown>) =>
      formatCel(text, itemsOf(values)),
    )
    .registerType("Base64Functions", Base64Functions)
    .registerConstant("base64", "Base64Functions", new Base64Functions())
    .registerFunction("Base64Functions.encode(bytes): string", (_self: unknown, bytes: Uint8Array) => toBase64(bytes))
    .registerFunction("Base64Functions.decode(string): bytes", (_self: unknown, text: string) => fromBase64(text));
}

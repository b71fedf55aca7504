import { RE2JS } from "re2js";

/** What the patterns kept ready may weigh; past it all are forgotten, as schemas and rules have far fewer. */
const KEPT_WEIGHT_LIMIT = 100_000;
/** Longest text that a pattern is tried on, in UTF-16 units: beyond it even linear time is too long. */
const TEXT_LIMIT = 65_536;
/** Heaviest pattern: its letters, and how often parts of it may be repeated, as each repetition is written out. */
const WEIGHT_LIMIT = 10_000;
/** `{3}`, `{3,}`, `{0,1000}`, but no escaped brace. */
const REPETITION = /(?<!\\)\{(\d{1,9})(?:,(\d{0,9}))?\}/g;

/**
 * Patterns in Go's (RE2's) syntax, as CRDs and CEL rules have them. Matching takes time in proportion to the text, whatever
 * the pattern: one that JavaScript would try for hours on a few letters cannot hold up the API server.
 */
export class PatternCache {
  readonly #patterns = new Map<string, RE2JS>();
  #keptWeight = 0;

  /** Whether the pattern is found anywhere in the text; longer ones are cut. @throws Error for no pattern */
  isFoundIn(text: string, pattern: string): boolean {
    return this.#compiled(pattern).test(text.slice(0, TEXT_LIMIT));
  }

  /** What the pattern matches in the text, from its beginning. @throws Error for no pattern */
  matchesIn(text: string, pattern: string, limit: number): string[] {
    const matcher = this.#compiled(pattern).matcher(text.slice(0, TEXT_LIMIT));
    const found: string[] = [];
    while (found.length < limit && matcher.find()) found.push(matcher.group() ?? "");
    return found;
  }

  /** Why a text is no pattern; undefined when it is one. */
  problemOf(pattern: string): string | undefined {
    try {
      this.#compiled(pattern);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #compiled(pattern: string): RE2JS {
    const known = this.#patterns.get(pattern);
    if (known) return known;
    const weight = weightOf(pattern);
    if (weight > WEIGHT_LIMIT) throw new RangeError("error parsing regexp: expression too large");
    const compiled = RE2JS.compile(pattern);
    if (this.#keptWeight + weight > KEPT_WEIGHT_LIMIT) {
      this.#patterns.clear();
      this.#keptWeight = 0;
    }
    this.#patterns.set(pattern, compiled);
    this.#keptWeight += weight;
    return compiled;
  }
}

function weightOf(pattern: string): number {
  let weight = pattern.length;
  for (const [, least = "", most = ""] of pattern.matchAll(REPETITION)) weight += Number(most || least);
  return weight;
}

import { isJsonObject, type JsonObject, type JsonValue, SkerryError } from "@skerry/base";

/** What reading a configuration file found: all of it, so that a user corrects everything at once. */
export class ConfigFindings {
  readonly errors: string[] = [];
  /** Fields that have no effect, with the reason. */
  readonly warnings: string[] = [];

  /** @throws SkerryError `CONFIG_INVALID` with all errors, when there are any */
  throwIfWrong(fileKind: string): void {
    if (this.errors.length === 0) return;
    throw new SkerryError({
      code: "CONFIG_INVALID",
      message: `The configuration of ${fileKind} is wrong: ${this.errors.join("; ")}`,
      advice: "Correct the named fields; `--defaultconfig` prints a complete file.",
      details: { errors: [...this.errors] },
    });
  }
}

/**
 * One object of a configuration file, read field by field. As in KubeEdge, names are matched without regard to case,
 * missing and null fields have their default, and unknown fields do no harm; unlike there, they are told.
 */
export class ConfigSection {
  readonly #path: string;
  readonly #findings: ConfigFindings;
  readonly #members = new Map<string, { readonly name: string; readonly value: JsonValue }>();

  constructor(value: JsonValue | undefined, path: string, findings: ConfigFindings) {
    this.#path = path;
    this.#findings = findings;
    if (value === undefined || value === null) return;
    if (!isJsonObject(value)) {
      findings.errors.push(`${path || "the file"} must be a mapping`);
      return;
    }
    for (const [name, member] of Object.entries(value as JsonObject))
      if (member !== undefined && member !== null) this.#members.set(name.toLowerCase(), { name, value: member });
  }

  /** The path of a field, as it is told to the user. */
  pathOf(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }

  has(name: string): boolean {
    return this.#members.has(name.toLowerCase());
  }

  section(name: string): ConfigSection {
    return new ConfigSection(this.#take(name), this.pathOf(name), this.#findings);
  }

  text(name: string, fallback: string): string {
    return this.#typed(name, fallback, "a text", (value) => (typeof value === "string" ? value : undefined));
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#typed(name, fallback, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** A whole number within the bounds. */
  integer(name: string, fallback: number, bounds: { readonly minimum: number; readonly maximum: number }): number {
    const { minimum, maximum } = bounds;
    return this.#typed(name, fallback, `a whole number from ${minimum} to ${maximum}`, (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
    );
  }

  port(name: string, fallback: number): number {
    return this.integer(name, fallback, { minimum: 1, maximum: 65_535 });
  }

  texts(name: string, fallback: readonly string[]): readonly string[] {
    return this.#typed(name, fallback, "a list of texts", (value) =>
      Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined,
    );
  }

  /** A mapping of names to texts. */
  textMap(name: string): Readonly<Record<string, string>> {
    return this.#typed<Readonly<Record<string, string>>>(name, {}, "a mapping of names to texts", (value) =>
      isJsonObject(value) && Object.values(value).every((item) => typeof item === "string")
        ? (value as Readonly<Record<string, string>>)
        : undefined,
    );
  }

  /** A list of mappings. */
  sections(name: string): readonly ConfigSection[] {
    const items = this.#typed<readonly JsonValue[]>(name, [], "a list", (value) =>
      Array.isArray(value) ? value : undefined,
    );
    return items.map((item, index) => new ConfigSection(item, `${this.pathOf(name)}[${index}]`, this.#findings));
  }

  /** A duration as Go writes it (`1m30s`), or a number of `unitMs`; in milliseconds. */
  durationMs(name: string, fallbackMs: number, unitMs = 1000): number {
    return this.#typed(name, fallbackMs, "a duration such as 10s or 1m30s", (value) => {
      if (typeof value === "number" && value >= 0) return value * unitMs;
      return typeof value === "string" ? parseGoDuration(value) : undefined;
    });
  }

  /** Fields of KubeEdge that need no warning although they have no effect here: sizes of buffers and the like. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#take(name);
  }

  /** Notes that a field is there but has no effect, and why. */
  warn(name: string, reason: string): void {
    this.#findings.warnings.push(`${this.pathOf(name)}: ${reason}`);
  }

  error(name: string, reason: string): void {
    this.#findings.errors.push(`${this.pathOf(name)} ${reason}`);
  }

  /** Warns of the fields that nobody has read. */
  finish(): void {
    for (const { name } of this.#members.values()) this.warn(name, "unknown field, ignored");
  }

  /** A mapping of names to durations, in milliseconds. */
  durationsMs(name: string): Readonly<Record<string, number>> {
    const texts = this.textMap(name);
    const durations: Record<string, number> = {};
    for (const [member, text] of Object.entries(texts)) {
      const durationMs = parseGoDuration(text);
      if (durationMs === undefined) this.error(name, `must give a duration such as 10s or 1m30s for ${member}`);
      else durations[member] = durationMs;
    }
    return durations;
  }

  #take(name: string): JsonValue | undefined {
    const key = name.toLowerCase();
    const value = this.#members.get(key)?.value;
    this.#members.delete(key);
    return value;
  }

  #typed<T>(name: string, fallback: T, expected: string, read: (value: JsonValue) => T | undefined): T {
    const value = this.#take(name);
    if (value === undefined) return fallback;
    const result = read(value);
    if (result !== undefined) return result;
    this.error(name, `must be ${expected}`);
    return fallback;
  }
}

const GO_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a Go duration with the units h, m, s and ms; undefined when it is none. */
function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount = "", , unit = ""] of text.matchAll(/(\d+(\.\d+)?)(ms|h|m|s)/g))
    totalMs += Number(amount) * (GO_UNITS_MS[unit] ?? 0);
  return Math.round(totalMs);
}

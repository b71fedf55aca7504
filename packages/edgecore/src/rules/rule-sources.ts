import type { Database } from "@skerry/store";
import { tooManyRuleSources } from "./errors.ts";

export type RuleSourceKind = "topic" | "url";

/** So many of one kind a node keeps; more are refused. */
const LIMIT = 1_000;

/**
 * What rules take from this node, of one kind. It is kept over restarts: KubeEdge's cloud tells it once, when a rule is
 * made; Skerry's tells the whole list each time the node connects.
 */
export class RuleSources {
  readonly #database: Database;
  readonly #kind: RuleSourceKind;
  #values: readonly string[] = [];
  #changes: Promise<void> = Promise.resolve();

  constructor(database: Database, kind: RuleSourceKind) {
    this.#database = database;
    this.#kind = kind;
  }

  /** In the order of their texts. */
  get values(): readonly string[] {
    return this.#values;
  }

  load(): void {
    this.#values = this.#database.read((reader) =>
      reader
        .all("SELECT value FROM rule_source WHERE kind = ? ORDER BY value", this.#kind)
        .map((row) => String(row["value"])),
    );
  }

  add(value: string): Promise<void> {
    return this.#change((values) => [...values, value]);
  }

  remove(value: string): Promise<void> {
    return this.#change((values) => values.filter((other) => other !== value));
  }

  replace(values: readonly string[]): Promise<void> {
    return this.#change(() => values);
  }

  /**
   * One change after the other; `values` shows it once it is committed.
   * @throws SkerryError `RULES_TOO_MANY_SOURCES`, `STORE_…`
   */
  #change(next: (values: readonly string[]) => readonly string[]): Promise<void> {
    const changed = this.#changes.then(async () => {
      const values = [...new Set(next(this.#values))].sort();
      if (values.length > LIMIT) throw tooManyRuleSources(this.#kind, LIMIT);
      await this.#database.transaction((transaction) => {
        transaction.run("DELETE FROM rule_source WHERE kind = ?", this.#kind);
        for (const value of values)
          transaction.run("INSERT INTO rule_source (kind, value) VALUES (?, ?)", this.#kind, value);
      });
      this.#values = values;
    });
    this.#changes = changed.catch(() => undefined);
    return changed;
  }
}

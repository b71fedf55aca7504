/** One figure of a run. */
export interface Figure {
  readonly what: string;
  readonly value: string;
}

/** A number with its unit, as short as it stays honest. */
export function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

/** A Markdown table with a heading. */
export function table(title: string, figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value }) => `| ${what} | ${value} |`);
  return [`### ${title}`, "", "| what | value |", "|---|---|", ...rows, ""].join("\n");
}

/** Nodes' metrics in Prometheus' text format as one: each line labelled with its node, each metric's lines together. */
export function mergeNodeMetrics(texts: Iterable<readonly [node: string, text: string]>): string {
  const metrics = new Map<string, { readonly head: readonly string[]; readonly lines: string[] }>();
  for (const [node, text] of texts) {
    let head: string[] = [];
    for (const line of text.split("\n")) {
      if (line.startsWith("#")) {
        // HELP begins what belongs to a metric; TYPE follows it.
        head = line.startsWith("# HELP") ? [line] : [...head, line];
        continue;
      }
      const [, name, labels = "", rest] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (.+)$/.exec(line) ?? [];
      if (name === undefined || rest === undefined) continue;
      const metric = metrics.get(name) ?? { head, lines: [] };
      metrics.set(name, metric);
      metric.lines.push(`${name}{node="${node}"${labels === "" ? "" : `,${labels}`}} ${rest}`);
    }
  }
  return [...metrics.values()].map(({ head, lines }) => `${[...head, ...lines].join("\n")}\n`).join("");
}

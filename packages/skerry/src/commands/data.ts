import { parseArgs } from "node:util";
import { systemClock } from "@skerry/base/platform";
import type { RecordedSample, SampleQuery } from "@skerry/link";
import { formatSamples, type SampleFormat } from "../data/sample-output.ts";
import type { SampleSource } from "../data/sample-source.ts";
import { neverMeasured, usageError } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { print } from "../terminal.ts";
import { type Command, EXIT_OK } from "./command.ts";

const FORMATS: readonly SampleFormat[] = ["table", "csv", "json"];
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };
const LARGEST_LIMIT = 1_000_000;

/** `skerry data DEVICE PROPERTY`. */
export const data: Command = {
  name: "data",
  summary: "show what a device measured",
  help: `skerry data DEVICE PROPERTY [--since 1h] [--at cloud|edge|NODE] [-n NAMESPACE] [--limit N] [-o table|csv|json]

Shows the samples of a device's property, oldest first. In the cloud they are in CloudCore's database; on an edge node in
the node's ring, which needs neither a link nor a running EdgeCore.

  --since TIME      1h by default; a number with s, m, h or d
  --at PLACE        cloud, edge, or a node's name; by default the cloud where it runs here, else the edge
  --limit N         the newest N samples; 1000 by default, at most ${LARGEST_LIMIT}
  -n, --namespace   the device's namespace; DEVICE may be NAMESPACE/NAME too
  -o FORMAT         table (with a small picture on a terminal), csv, json
  --config FILE     cloudcore.yaml or, with --at edge, edgecore.yaml of a Skerry without this home folder

Examples:
  skerry data thermometer temperature
  skerry data thermometer temperature --since 7d -o csv > temperature.csv
  skerry data plant/pump-1 pressure --at edge --since 10m
`,
  async run(parameters) {
    const { values, positionals } = parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        since: { type: "string", default: "1h" },
        at: { type: "string" },
        namespace: { type: "string", short: "n", default: "default" },
        limit: { type: "string", default: "1000" },
        output: { type: "string", short: "o", default: "table" },
        config: { type: "string" },
      },
    });
    const [device, property, ...more] = positionals;
    if (device === undefined || property === undefined || more.length > 0)
      throw usageError("Use `skerry data DEVICE PROPERTY`");
    const format = FORMATS.find((candidate) => candidate === values.output);
    if (format === undefined) throw usageError(`-o knows ${FORMATS.join(", ")}, not ${JSON.stringify(values.output)}`);
    const nowMs = systemClock.now();
    // Loaded only here: it brings both components with it.
    const { chooseSource, readSource } = await import("../data/sample-source.ts");
    const source =
      values.config === undefined ? chooseSource(skerryHome(), values.at) : named(values.config, values.at);
    const query: SampleQuery = {
      deviceId: device.includes("/") ? device : `${values.namespace}/${device}`,
      property,
      sinceMs: nowMs - sinceMs(values.since),
      untilMs: Number.MAX_SAFE_INTEGER,
      limit: limitOf(values.limit),
    };
    const samples = await readSource(source, query);
    if (samples.length === 0) await tellWhyNone(source, query, values.since, readSource);
    for (const line of formatSamples(samples, format, process.stdout.isTTY ? process.stdout.columns : undefined))
      print(line);
    return EXIT_OK;
  },
};

/** Says on standard error when the newest older sample is from. @throws SkerryError `SKERRY_NEVER_MEASURED` */
async function tellWhyNone(
  source: SampleSource,
  query: SampleQuery,
  since: string,
  readSource: (source: SampleSource, query: SampleQuery) => Promise<RecordedSample[]>,
): Promise<void> {
  const [newest] = await readSource(source, { ...query, sinceMs: 0, limit: 1 });
  if (newest === undefined) throw neverMeasured(query.deviceId, query.property);
  const time = new Date(newest.timestampMs).toISOString();
  process.stderr.write(
    `No samples of ${query.deviceId} ${query.property} in the last ${since}; the newest is of ${time}.\n`,
  );
}

function named(configFile: string, at: string | undefined): SampleSource {
  return { kind: at === undefined || at === "cloud" ? "cloud" : "edge", configFile };
}

function sinceMs(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (amount === undefined || unitMs === undefined)
    throw usageError(`--since is a number with s, m, h or d, such as 90s or 7d, not ${JSON.stringify(text)}`);
  return Number(amount) * unitMs;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT)
    throw usageError(`--limit is a whole number from 1 to ${LARGEST_LIMIT}, not ${JSON.stringify(text)}`);
  return limit;
}

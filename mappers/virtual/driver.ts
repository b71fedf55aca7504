import { choice, type Driver, type DriverValue, defineDriver, integer, number, text } from "@skerry/mapper";
import { readColumn } from "./csv.ts";

/** Devices that need no hardware: each property is a wave, a random walk, a recording, or what was written to it last. */
const driver: Driver = defineDriver({
  protocol: "virtual",
  propertyConfig: {
    wave: choice("sine", "walk", "memory", "replay"),
    mean: number(20),
    amplitude: number(5),
    periodMs: integer(1, Number.MAX_SAFE_INTEGER, 60_000),
    /** For replay: a CSV file with a line of names, and the name of the column. */
    file: text(""),
    column: text(""),
    /** For replay: the time between two lines; after the last comes the first. */
    intervalMs: integer(1, Number.MAX_SAFE_INTEGER, 1_000),
  },
  open: (_config, { clock }) => ({
    beganMs: clock.monotonicMs(),
    values: new Map<string, number | bigint | boolean | string>(),
    columns: new Map<string, readonly string[]>(),
  }),
  async read({ values, columns, beganMs }, { name, type, config }, { clock, random }): Promise<DriverValue> {
    const { wave, mean, amplitude, periodMs } = config;
    if (wave === "memory") return values.get(name);
    if (wave === "replay") {
      const column = columns.get(name) ?? (await readColumn(config.file, config.column));
      columns.set(name, column);
      return column[Math.floor((clock.monotonicMs() - beganMs) / config.intervalMs) % column.length];
    }
    const last = Number(values.get(name) ?? mean);
    const step = amplitude * 0.2 * (random.float() - 0.5);
    const value =
      wave === "sine"
        ? mean + amplitude * Math.sin((2 * Math.PI * clock.now()) / periodMs)
        : Math.min(mean + amplitude, Math.max(mean - amplitude, last + step));
    values.set(name, value);
    return type === "int" ? Math.round(value) : Number(value.toFixed(3));
  },
  write({ values }, { name }, value) {
    values.set(name, value);
  },
});
export default driver;

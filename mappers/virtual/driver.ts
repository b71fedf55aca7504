import { choice, type Driver, defineDriver, number } from "@skerry/mapper";

/** Devices that need no hardware: each property is a wave, a random walk, or what was written to it last. */
const driver: Driver = defineDriver({
  protocol: "virtual",
  propertyConfig: {
    wave: choice("sine", "walk", "memory"),
    mean: number(20),
    amplitude: number(5),
    periodMs: number(60_000),
  },
  open: () => new Map<string, number | bigint | boolean | string>(),
  read(values, { name, type, config: { wave, mean, amplitude, periodMs } }, { clock, random }) {
    if (wave === "memory") return values.get(name);
    const last = Number(values.get(name) ?? mean);
    const step = amplitude * 0.2 * (random.float() - 0.5);
    const value =
      wave === "sine"
        ? mean + amplitude * Math.sin((2 * Math.PI * clock.now()) / periodMs)
        : Math.min(mean + amplitude, Math.max(mean - amplitude, last + step));
    values.set(name, value);
    return type === "int" ? Math.round(value) : Number(value.toFixed(3));
  },
  write(values, { name }, value) {
    values.set(name, value);
  },
});
export default driver;

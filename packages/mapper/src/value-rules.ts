import type { JsonObject } from "@skerry/base";
import { type Config, type Field, number, optional, parseConfig } from "./config-schema.ts";
import { valueOutOfRange } from "./errors.ts";
import { type DriverValue, fromText, type PropertyType, type PropertyValue, toText } from "./property-value.ts";

/** What the SDK itself understands in a property's `visitors.configData`, for any driver. */
interface RuleSchema {
  /** The value is what the driver reads times this; 0 counts as 1, as in KubeEdge's Modbus mappers. */
  readonly scale: Field<number>;
  /** Added after scaling. */
  readonly valueOffset: Field<number>;
  /** A reading that differs by less from the last one reported is not reported. */
  readonly deadBand: Field<number>;
  readonly min: Field<number | undefined>;
  readonly max: Field<number | undefined>;
  readonly [name: string]: Field<unknown>;
}

const schema: RuleSchema = {
  scale: number(1),
  valueOffset: number(0),
  deadBand: number(0),
  min: optional(number()),
  max: optional(number()),
};

/** Decimal digits that survive a multiplication of doubles, so that 3 × 0.1 is 0.3. */
const SIGNIFICANT_DIGITS = 12;

/** The range that a DeviceModel gives a property. */
export interface ValueRange {
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
}

/** Between a driver's raw values and the texts of a property: scale, range and dead band, both ways. */
export class ValueRules {
  readonly #type: PropertyType;
  readonly #settings: Config<RuleSchema>;
  readonly #writable: ValueRange;

  /**
   * Members that the driver declares itself are the driver's, and have no meaning here.
   * @throws `DRIVER_CONFIG_INVALID`
   */
  constructor(type: PropertyType, config: JsonObject, range: ValueRange, driverMembers: ReadonlySet<string>) {
    this.#type = type;
    const own = Object.fromEntries(Object.entries(config).filter(([name]) => !driverMembers.has(name)));
    this.#settings = parseConfig(schema, own);
    this.#writable = range;
  }

  /** Undefined when there is no value. @throws `DRIVER_VALUE_UNFIT`, `DRIVER_VALUE_OUT_OF_RANGE` */
  toText(raw: DriverValue): string | undefined {
    const { min, max } = this.#settings;
    const text = toText(this.#type, this.#scaled(raw));
    if (text !== undefined && this.#isNumeric) this.#check(Number(text), min, max);
    return text;
  }

  /** @throws `DRIVER_VALUE_UNFIT`, `DRIVER_VALUE_OUT_OF_RANGE` */
  fromText(text: string): PropertyValue {
    const value = fromText(this.#type, text);
    if (typeof value !== "number" && typeof value !== "bigint") return value;
    const { min, max, valueOffset } = this.#settings;
    const { minimum, maximum } = this.#writable;
    this.#check(Number(value), minimum, maximum);
    this.#check(Number(value), min, max);
    if (!this.#isScaling) return value;
    return shortened((Number(value) - valueOffset) / this.#scale);
  }

  /** Whether a value differs enough from the last one reported to be worth a report. */
  isNews(text: string, last: string): boolean {
    const { deadBand } = this.#settings;
    return deadBand <= 0 || !this.#isNumeric || Math.abs(Number(text) - Number(last)) >= deadBand;
  }

  get #isNumeric(): boolean {
    return this.#type === "int" || this.#type === "float" || this.#type === "double";
  }

  get #scale(): number {
    return this.#settings.scale === 0 ? 1 : this.#settings.scale;
  }

  get #isScaling(): boolean {
    return this.#isNumeric && (this.#scale !== 1 || this.#settings.valueOffset !== 0);
  }

  #scaled(raw: DriverValue): DriverValue {
    if (!this.#isScaling || (typeof raw !== "number" && typeof raw !== "bigint")) return raw;
    const value = shortened(Number(raw) * this.#scale + this.#settings.valueOffset);
    return this.#type === "int" ? Math.round(value) : value;
  }

  #check(value: number, minimum: number | undefined, maximum: number | undefined): void {
    if ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum))
      throw valueOutOfRange(value, minimum, maximum);
  }
}

function shortened(value: number): number {
  return Number(value.toPrecision(SIGNIFICANT_DIGITS));
}

import type { Quantity } from "@skerry/api";
import { badQuantity } from "./errors.ts";

/** Factors of the units, in billionths, so that every quantity down to `1n` is exact. */
const NANO = 1_000_000_000n;
const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 1_000n,
  m: 1_000_000n,
  "": NANO,
  k: NANO * 1000n,
  M: NANO * 1000n ** 2n,
  G: NANO * 1000n ** 3n,
  T: NANO * 1000n ** 4n,
  P: NANO * 1000n ** 5n,
  E: NANO * 1000n ** 6n,
  Ki: NANO * 1024n,
  Mi: NANO * 1024n ** 2n,
  Gi: NANO * 1024n ** 3n,
  Ti: NANO * 1024n ** 4n,
  Pi: NANO * 1024n ** 5n,
  Ei: NANO * 1024n ** 6n,
};

const QUANTITY = /^([+-]?)([0-9]{0,30})(?:\.([0-9]{0,30}))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,2}))?$/;

/** Whether a text is a quantity, e.g. `100m`, `1.5`, `64Mi`, `2e3`. */
export function isQuantity(text: string): boolean {
  const [, , whole = "", fraction = ""] = QUANTITY.exec(text) ?? [];
  return whole.length + fraction.length > 0;
}

/**
 * The quantity in billionths of its base unit, rounded away from zero.
 * @throws SkerryError `KUBE_BAD_QUANTITY`
 */
export function quantityToNano(quantity: Quantity): bigint {
  const text = String(quantity);
  const match = QUANTITY.exec(text);
  const [, sign = "", whole = "", fraction = "", unit = "", exponentText] = match ?? [];
  if (!match || whole.length + fraction.length === 0) throw badQuantity(text);
  const exponent = exponentText === undefined ? 0 : Number(exponentText);
  let numerator = BigInt(whole + fraction) * (UNIT_NANOS[unit] ?? NANO);
  let denominator = 10n ** BigInt(fraction.length);
  if (exponent >= 0) numerator *= 10n ** BigInt(exponent);
  else denominator *= 10n ** BigInt(-exponent);
  const value = (numerator + denominator - 1n) / denominator;
  return sign === "-" ? -value : value;
}

/** The quantity in thousandths, rounded up: CPU in millicores. @throws SkerryError `KUBE_BAD_QUANTITY` */
export function quantityToMilli(quantity: Quantity): number {
  return Number(ceilDivide(quantityToNano(quantity), 1_000_000n));
}

/** The quantity in its base unit, rounded up: bytes, pods. @throws SkerryError `KUBE_BAD_QUANTITY` */
export function quantityToNumber(quantity: Quantity): number {
  return Number(ceilDivide(quantityToNano(quantity), NANO));
}

function ceilDivide(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by;
}

const DECIMAL_UNITS = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"] as const;
const BINARY_UNITS = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;

/** Whether the quantity is written in powers of two, e.g. `64Mi`. */
export function isBinaryQuantity(quantity: Quantity): boolean {
  return String(quantity).endsWith("i");
}

/**
 * An amount in billionths as Kubernetes writes it: the largest unit that leaves a whole number.
 * @param isBinary in Ki, Mi, … where that is exact and not less than 1024
 */
export function nanoToQuantity(nano: bigint, isBinary: boolean): string {
  if (nano === 0n) return "0";
  const isSmall = nano > -1024n * NANO && nano < 1024n * NANO;
  if (isBinary && !isSmall && nano % NANO === 0n) return withUnit(nano / NANO, 1024n, BINARY_UNITS);
  return withUnit(nano, 1000n, DECIMAL_UNITS);
}

function withUnit(amount: bigint, base: bigint, units: readonly string[]): string {
  let [rest, index] = [amount, 0];
  while (index < units.length - 1 && rest % base === 0n) {
    rest /= base;
    index++;
  }
  return `${rest}${units[index] ?? ""}`;
}

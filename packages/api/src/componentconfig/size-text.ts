const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
};

/** A whole number with a unit as Kubernetes writes sizes (`10Mi`); undefined when it is none. */
export function readSizeText(text: string): number | undefined {
  const [, amount = "", unit = ""] = /^(\d+)([KMGTkm]?i?)$/.exec(text) ?? [];
  const factor = SIZE_UNITS[unit];
  return amount === "" || factor === undefined ? undefined : Number(amount) * factor;
}

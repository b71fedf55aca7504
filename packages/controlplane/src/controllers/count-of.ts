import type { IntOrString } from "@skerry/api";

/** A number of pods that is given as such or as a percentage of `total`; 0 for anything else. */
export function countOf(value: IntOrString, total: number, round: (share: number) => number): number {
  const percent = /^([0-9]{1,3})%$/.exec(String(value));
  if (percent) return round((Number(percent[1]) * total) / 100);
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 ? number : 0;
}

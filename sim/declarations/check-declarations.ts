import type { Violation } from "../checkers/violation.ts";
import { FIRST_DESIRED } from "../workload/names.ts";
import type { ClientFact } from "./declared-client.ts";
import type { Declaration } from "./declared-run.ts";

/** What the cloud shows that the node follows, at the end. */
export interface Followed {
  readonly value: string;
  readonly effect: string | undefined;
}

/**
 * I6: what takes effect at most once is given to the device at most once, in the order in which it was wanted; and the
 * last of it either was given, or counts as unknown and is told so.
 */
export function checkAtMostOnce(
  who: string,
  facts: readonly ClientFact[],
  followed: Followed | undefined,
): Violation[] {
  const set = [FIRST_DESIRED, ...facts.flatMap((fact) => (fact.kind === "set" ? [fact.value] : []))];
  const told = facts.flatMap((fact) => (fact.kind === "told" ? [fact.value] : []));
  const violations = [
    ...told.filter((value, index) => told.indexOf(value) < index).map((value) => `${who} was told ${value} twice`),
    ...told
      .filter((value, index) => set.indexOf(value) < set.indexOf(told[index - 1] ?? ""))
      .map((value) => `${who} was told ${value} after a newer value`),
    ...told.filter((value) => !set.includes(value)).map((value) => `${who} was told ${value}, which nobody wanted`),
  ];
  const last = set.at(-1) ?? "";
  if (followed?.value !== last) violations.push(`${who} should follow ${last} at the end, not ${followed?.value}`);
  else if (!told.includes(last) && followed.effect !== "unknown")
    violations.push(`${who} was never told ${last}, whose effect is ${followed.effect}`);
  return violations.map((message) => ({ invariant: "I6", message }));
}

/** What the device was told last, and what the cloud shows, after each side wanted something and everything worked. */
export interface ConflictSteps {
  readonly steps: readonly {
    readonly step: "edge wants" | "cloud sets" | "edge takes back";
    readonly told: string | undefined;
    readonly followed: string;
  }[];
  /** Of the Events, where the node's delivery tells the cloud who has lost. */
  readonly reasons?: ReadonlySet<string>;
}

/** I7: whose wish counts is what the Device declares, in every fault, and the loser is told. */
export function checkConflictRule(
  rule: Exclude<Declaration, "at-most-once">,
  facts: readonly ClientFact[],
  { steps, reasons }: ConflictSteps,
): Violation[] {
  const messages: string[] = [];
  const lastSet = facts.findLast(({ kind }) => kind === "set")?.value ?? FIRST_DESIRED;
  const beforeLast = facts.filter(({ kind }) => kind === "set").at(-2)?.value ?? FIRST_DESIRED;
  const expected = {
    newest: ["edge at last", lastSet, ""],
    cloud: [beforeLast, lastSet, lastSet],
    edge: ["edge at last", "edge at last", lastSet],
  }[rule];
  for (const [index, { step, told, followed }] of steps.entries()) {
    const value = expected[index] ?? "";
    if (followed !== value) messages.push(`${step}: the cloud shows ${followed}, not ${value}`);
    // That nothing is wanted any more is no delta.
    if (value !== "" && told !== value) messages.push(`${step}: the device was told ${told}, not ${value}`);
  }
  if (rule === "edge" && reasons?.has("DesiredValueNotFollowed") === false)
    messages.push("nobody told the cloud that it lost");
  if (rule === "newest" && reasons?.has("EdgeValueReplaced") === false)
    messages.push("nobody told that the cloud replaced the edge's value");
  return [...messages, ...DURING[rule](facts)].map((message) => ({ invariant: "I7", message }));
}

/** What must hold all the time, also amid the faults. */
const DURING: Readonly<
  Record<Exclude<Declaration, "at-most-once">, (facts: readonly ClientFact[]) => readonly string[]>
> = {
  newest: () => [],
  /** A client's wish is refused from the moment when the node has the Device. */
  cloud: (facts) => {
    const known = facts.findIndex(({ kind }) => kind === "told");
    return facts.slice(known < 0 ? facts.length : known).flatMap((fact) => {
      if (fact.kind === "answered" && fact.value !== "" && fact.code === undefined)
        return [`the wish ${fact.value} of a client was accepted`];
      return fact.kind === "told" && fact.value.startsWith("edge") ? [`the device was told ${fact.value}`] : [];
    });
  },
  /** From a wish that was accepted to the next one nothing of the cloud reaches the device. */
  edge: (facts) => {
    const messages: string[] = [];
    let held: string | undefined;
    for (const fact of facts) {
      // Until it is answered nobody knows whether it counts.
      if (fact.kind === "wanted") held = undefined;
      if (fact.kind === "answered" && fact.code === undefined) held = fact.value === "" ? undefined : fact.value;
      if (fact.kind === "told" && held !== undefined && fact.value.startsWith("cloud"))
        messages.push(`the device was told ${fact.value}, though a client's ${held} counts`);
    }
    return messages;
  },
};

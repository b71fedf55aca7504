import { paint } from "../terminal.ts";
import type { Explanation, Step } from "./chain.ts";

const MARKS: Readonly<Record<Step["state"], string>> = { whole: "✓", broken: "✗", waiting: "…", "not-reached": "·" };
const COLOURS = { whole: "green", broken: "red", waiting: "yellow", "not-reached": "grey" } as const;

/** The chain as one screen, and below it the first broken link and what to do. */
export function explanationLines({ subject, state, steps }: Explanation): string[] {
  const width = Math.max(...steps.map(({ title }) => title.length));
  const lines = steps.map((step) => {
    const found = step.state === "not-reached" ? paint("grey", "not looked at") : step.found;
    return `${paint(COLOURS[step.state], MARKS[step.state])} ${step.title.padEnd(width)}  ${found}`;
  });
  const faulty = steps.find((step) => step.state === "broken" || step.state === "waiting");
  if (!faulty || !("code" in faulty)) return [paint("bold", subject), ...lines, "", "Everything is as asked."];
  const verdict = state === "waiting" ? "Not there yet" : "First broken step";
  return [
    paint("bold", subject),
    ...lines,
    "",
    `${verdict}: ${faulty.title} (${faulty.code})`,
    `  ${faulty.found}`,
    `What to do: ${faulty.advice}`,
  ];
}

import { isJsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { errorStatusOf, type Message } from "@skerry/link";
import { normalised } from "./normalised.ts";
import type { PhaseOutcome } from "./replay.ts";

/**
 * In what our cloud differs from the recorded one, a line each; empty when they say the same. The messages of one object
 * are compared in order, but runs of updates count as one, as a newer version may replace an older one on its way.
 */
export function differences(outcome: PhaseOutcome): string[] {
  return [...answerDifferences(outcome), ...pushDifferences(outcome)];
}

function answerDifferences({ answers, extraAnswers }: PhaseOutcome): string[] {
  const lines: string[] = [];
  for (const { request, theirs, ours } of answers) {
    const title = `${request.route.operation} ${request.route.resource}`;
    if (!ours) lines.push(`no answer: ${title}`);
    else if (!jsonEqual(routeOf(theirs), routeOf(ours))) lines.push(`other route: ${title}`);
    else if (Boolean(ours.header.resourceversion) !== Boolean(theirs.header.resourceversion))
      lines.push(`other version header: ${title}`);
    else if (!jsonEqual(answerContent(theirs), answerContent(ours))) lines.push(`other answer: ${title}`);
  }
  for (const { route } of extraAnswers) lines.push(`answered by us alone: ${route.resource}`);
  return lines;
}

/** A real API server refuses to update a lease that is gone with Conflict, the one in memory with NotFound. */
function answerContent({ route, content }: Message): JsonValue {
  const isLease = route.resource?.startsWith("kube-node-lease/") ?? false;
  return isLease && errorStatusOf(content) ? "failure" : normalised(content);
}

function pushDifferences(outcome: PhaseOutcome): string[] {
  const theirs = histories(outcome.theirs);
  const ours = histories(outcome.ours);
  const lines: string[] = [];
  for (const [resource, { steps, messages }] of theirs) {
    const own = ours.get(resource);
    if (!own) {
      lines.push(`theirs alone: ${steps} ${resource}`);
      continue;
    }
    if (own.steps !== steps) lines.push(`other steps: ${resource}: ${steps} there, ${own.steps} here`);
    const [last, ownLast] = [messages.at(-1), own.messages.at(-1)];
    if (last?.route.source !== ownLast?.route.source)
      lines.push(`other source: ${resource}: ${last?.route.source} there, ${ownLast?.route.source} here`);
    if (last && ownLast && !isStub(ownLast) && !jsonEqual(normalised(last.content), normalised(ownLast.content)))
      lines.push(`other content: ${resource}`);
  }
  for (const [resource, { steps }] of ours) if (!theirs.has(resource)) lines.push(`ours alone: ${steps} ${resource}`);
  return lines;
}

interface History {
  /** `put`, `delete` and what follows, joined. */
  readonly steps: string;
  readonly messages: readonly Message[];
}

function histories(messages: readonly Message[]): Map<string, History> {
  const byResource = Map.groupBy(messages, ({ route }) => route.resource ?? "");
  return new Map(
    [...byResource].map(([resource, group]) => [resource, { steps: stepsOf(group), messages: group }] as const),
  );
}

function stepsOf(messages: readonly Message[]): string {
  const steps = messages.map(({ route }) => (route.operation === "delete" ? "delete" : "put"));
  return steps
    .filter((step, index) => step !== steps[index - 1])
    .join("-")
    .replaceAll("put-delete", "delete");
}

/** A deletion that names the object only. */
function isStub({ content }: Message): boolean {
  return isJsonObject(content) && Object.keys(content).join() === "metadata";
}

function routeOf({ route }: Message): JsonValue {
  const { source = null, group = null, operation = null, resource = null } = route;
  return { source, group, operation, resource };
}

import { isDeepStrictEqual } from "node:util";
import { exchangeKey, isWatch, normaliseJson, normaliseText } from "./normalise.ts";
import { type Exchange, type Json, parseCommand, type RecordedCommand } from "./recorded-command.ts";

/** One thing that was compared: a command's exit code, what it printed, or the answer to one of its requests. */
export interface Comparison {
  readonly what: string;
  readonly expected: Json;
  readonly actual: Json;
  readonly equal: boolean;
}

/** What a command did this time. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly exchanges: readonly Exchange[];
}

/** Compares what a command did with what was recorded. */
export function compare(recorded: RecordedCommand, outcome: Outcome): Comparison[] {
  const result: Comparison[] = [];
  if (recorded.exit !== null) result.push(compared("exit", recorded.exit, outcome.exit));
  if (recorded.stdout !== null && recorded.exit !== null)
    result.push(compared("stdout", printed(recorded, recorded.stdout), printed(recorded, outcome.stdout)));
  if (recorded.exit !== null)
    result.push(compared("stderr", normaliseText(recorded.stderr), normaliseText(outcome.stderr)));
  // What is asked again and again while waiting is compared once.
  const find = (key: string, status: number): Exchange | undefined => {
    const answers = outcome.exchanges.filter((exchange) => exchangeKey(exchange) === key);
    // A conflict with a controller that was faster is tried again.
    return answers.find((exchange) => exchange.status === status) ?? answers[0];
  };
  const seen = new Set<string>();
  for (const exchange of recorded.exchanges) {
    const key = exchangeKey(exchange);
    if (seen.has(key)) continue;
    seen.add(key);
    result.push(comparedExchange(key, exchange, find(key, exchange.status)));
  }
  return result;
}

function printed(recorded: RecordedCommand, text: string): Json {
  const { headLines } = parseCommand(recorded.command);
  return normaliseText(headLines === undefined ? text : text.split("\n").slice(0, headLines).join("\n"));
}

function compared(what: string, expected: Json, actual: Json): Comparison {
  return { what, expected, actual, equal: isDeepStrictEqual(expected, actual) };
}

function comparedExchange(key: string, expected: Exchange, actual: Exchange | undefined): Comparison {
  if (!actual) return { what: key, expected: expected.status, actual: "not asked", equal: false };
  // Which events fall into a watch is a matter of time; protobuf we answer with JSON.
  const statusOnly = (expected.status < 400 && isWatch(expected)) || expected.answer === "(protobuf)";
  if (statusOnly) return compared(key, expected.status, actual.status);
  const [left, right] = [normaliseJson(refusalOf(expected)), normaliseJson(actual.answer)];
  const isBehind = isControllerBehind(left);
  return compared(
    key,
    { status: expected.status, answer: isBehind ? withoutProgress(left) : left },
    { status: actual.status, answer: isBehind ? withoutProgress(right) : right },
  );
}

/** Whether the recorded controllers had not yet come to the Deployment's present generation. */
function isControllerBehind(answer: Json): boolean {
  if (isObject(answer) && answer["kind"] === "DeploymentList")
    return itemsIn(answer).some((item) => isControllerBehind({ ...item, kind: "Deployment" }));
  if (!isObject(answer) || answer["kind"] !== "Deployment") return false;
  const { metadata = null, status = null } = answer;
  return isObject(metadata) && isObject(status) && metadata["generation"] !== status["observedGeneration"];
}

/** A Deployment without what its controller has got done; how fast that is, no two machines share. */
function withoutProgress(answer: Json): Json {
  if (isObject(answer) && answer["kind"] === "DeploymentList")
    return { ...answer, items: itemsIn(answer).map(withoutProgress) };
  if (!isObject(answer) || !isObject(answer["metadata"] ?? null)) return answer;
  const { status: _status, ...rest } = answer;
  const { annotations = null, ...metadata } = answer["metadata"] as { [member: string]: Json };
  const { "deployment.kubernetes.io/revision": _revision, ...kept } = isObject(annotations) ? annotations : {};
  return { ...rest, metadata: { ...metadata, annotations: kept } };
}

function itemsIn(list: { [member: string]: Json }): { [member: string]: Json }[] {
  const { items } = list;
  return Array.isArray(items) ? items.filter(isObject) : [];
}

function isObject(value: Json | undefined): value is { [member: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The recorder took the refusal of a watch for its first event. */
function refusalOf({ status, answer }: Exchange): Json {
  return status >= 400 && Array.isArray(answer) && answer[0] !== undefined ? answer[0] : answer;
}

/** Where two values part, as lines `path: expected | actual`, the first few. */
export function explain({ expected, actual }: Comparison, most = 12): string[] {
  const lines: string[] = [];
  walk(expected, actual, "", lines);
  return lines.slice(0, most);
}

function walk(expected: Json | undefined, actual: Json | undefined, path: string, lines: string[]): void {
  if (isDeepStrictEqual(expected, actual)) return;
  if (typeof expected === "string" && typeof actual === "string" && /\n/.test(expected + actual)) {
    const [left, right] = [expected.split("\n"), actual.split("\n")];
    for (const line of left) if (!right.includes(line)) lines.push(`${path} - ${line}`);
    for (const line of right) if (!left.includes(line)) lines.push(`${path} + ${line}`);
    if (lines.length === 0) lines.push(`${path} the same lines in another order or number`);
    return;
  }
  const both = [expected, actual];
  if (both.every((value) => typeof value === "object" && value !== null)) {
    const [left, right] = both as [Record<string, Json>, Record<string, Json>];
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
      walk(left[key], right[key], `${path}.${key}`, lines);
    return;
  }
  lines.push(`${path}: ${JSON.stringify(expected)?.slice(0, 300)} | ${JSON.stringify(actual)?.slice(0, 300)}`);
}

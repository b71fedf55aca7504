import { type ASTNode, type Environment, EvaluationError, ParseError } from "@marcbachmann/cel-js";

/** What the library gives to a macro: its nodes, and the contexts in which they are checked and evaluated. */
interface Checker {
  check(node: ASTNode, context: Context): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  run(node: ASTNode, context: Context): unknown;
}
interface Context {
  forkWithVariable(name: string, type: unknown): Context;
  reuse(parent: Context): Context;
  setIterValue(value: unknown, evaluator: Evaluator): Context;
}
interface MacroCall {
  readonly args: readonly ASTNode[];
  readonly receiver: ASTNode;
}

/** What is made of the values that the expression has for each entry. */
type Collect = (entries: Iterable<{ readonly key: unknown; readonly run: () => unknown }>) => unknown;

const COLLECTORS: Readonly<Record<string, Collect>> = {
  all(entries) {
    for (const { run } of entries) if (run() !== true) return false;
    return true;
  },
  exists(entries) {
    for (const { run } of entries) if (run() === true) return true;
    return false;
  },
  existsOne: isExactlyOne,
  exists_one: isExactlyOne,
  transformList(entries) {
    return Array.from(entries, ({ run }) => run());
  },
  transformMap(entries) {
    return new Map(Array.from(entries, ({ key, run }) => [key, run()]));
  },
};
const RESULT_TYPES: Readonly<Record<string, string>> = { transformList: "list", transformMap: "map" };

function isExactlyOne(entries: Parameters<Collect>[0]): boolean {
  let count = 0;
  for (const { run } of entries) if (run() === true) count++;
  return count === 1;
}

/** Comprehensions over index and item, or key and value: `list.all(i, v, …)`. */
export function registerTwoVariableMacros(environment: Environment): void {
  for (const [name, collect] of Object.entries(COLLECTORS))
    environment.registerFunction(
      `list.${name}(ast, ast, ast): ${RESULT_TYPES[name] ?? "bool"}`,
      macroOf(RESULT_TYPES[name] ?? "bool", collect),
    );
}

function macroOf(resultType: string, collect: Collect): (call: MacroCall) => unknown {
  return ({ args, receiver }) => {
    const [keyNode, valueNode, body] = args;
    if (keyNode?.op !== "id" || valueNode?.op !== "id" || !body)
      throw new ParseError("invalid iteration variables of a comprehension");
    let contexts: { readonly key: Context; readonly value: Context } | undefined;
    return {
      async: false,
      typeCheck(checker: Checker, _macro: unknown, context: Context): unknown {
        checker.check(receiver, context);
        const dyn = checker.getType("dyn");
        const key = context.forkWithVariable(keyNode.args, dyn);
        contexts = { key, value: key.forkWithVariable(valueNode.args, dyn) };
        checker.check(body, contexts.value);
        return checker.getType(resultType);
      },
      evaluate(evaluator: Evaluator, _macro: unknown, context: Context): unknown {
        if (!contexts) throw new EvaluationError("a comprehension was not checked before it was evaluated");
        const { key, value } = contexts;
        const run = (index: unknown, item: unknown): unknown => {
          const outer = key.reuse(context).setIterValue(index, evaluator);
          return evaluator.run(body, value.reuse(outer).setIterValue(item, evaluator));
        };
        const entries = entriesOf(evaluator.run(receiver, context));
        return collect(entries.map(([index, item]) => ({ key: index, run: () => run(index, item) })));
      },
    };
  };
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value) || value instanceof Set)
    return [...value].map((item, index) => [BigInt(index), item] as const);
  if (value instanceof Map) return [...value.entries()];
  if (typeof value === "object" && value !== null) return Object.entries(value);
  throw new EvaluationError("the range of a comprehension must be a list or a map");
}

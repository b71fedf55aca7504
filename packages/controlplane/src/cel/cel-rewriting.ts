import type { ASTNode } from "@marcbachmann/cel-js";

/** Comprehensions, by name. */
const COMPREHENSIONS: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "existsOne",
  "filter",
  "map",
  "transformList",
  "transformMap",
]);

/** Operands that a method call may be appended to. */
const POSTFIX: ReadonlySet<string> = new Set(["id", ".", "[]", "call", "rcall"]);

/** A text written into an expression, in place of `length` characters. */
interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly length: number;
}

/**
 * The expression with what the budget needs to know written into it: lists that a comprehension goes through, or that `in`
 * looks through, pass `spendList()`. `matches` becomes our own function, whose time is linear; the library's own cannot be
 * replaced.
 */
export function withBudget(node: ASTNode, text: string): string {
  const insertions: Insertion[] = [];
  visit(node, (each) => insertions.push(...insertionsFor(each, text)));
  let result = text;
  // From the end, so that earlier positions stay true.
  for (const { at, text: inserted, length } of insertions.toSorted((one, other) => other.at - one.at))
    result = `${result.slice(0, at)}${inserted}${result.slice(at + length)}`;
  return result;
}

function insertionsFor(node: ASTNode, text: string): Insertion[] {
  if (node.op === "in") {
    const [, list] = node.args;
    return POSTFIX.has(list.op) ? [{ at: list.end, text: ".spendList()", length: 0 }] : [];
  }
  if (node.op !== "rcall") return [];
  const [name, receiver, args] = node.args;
  if (name === "matches" && args.length === 1)
    return [{ at: text.indexOf("matches", receiver.end), text: "matchesPattern", length: "matches".length }];
  // Between a receiver and its method there are only blanks and closing parentheses.
  return COMPREHENSIONS.has(name) && args.length > 1
    ? [{ at: text.indexOf(".", receiver.end), text: ".spendList()", length: 0 }]
    : [];
}

/** Calls `use` for a node and all below it. */
export function visit(node: ASTNode, use: (node: ASTNode) => void): void {
  use(node);
  for (const child of childrenOf(node)) visit(child, use);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

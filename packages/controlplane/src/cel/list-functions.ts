import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { CelBudget } from "./cel-budget.ts";

class SetsFunctions {}
class MathFunctions {}

/** Lists are arrays; those of the list type `set` are sets. */
type CelList = Iterable<unknown>;

/** The items of a list. */
export function itemsOf(list: CelList): readonly unknown[] {
  return Array.isArray(list) ? list : [...list];
}

/** How many items a list has. */
export function sizeOf(list: CelList): number {
  return Array.isArray(list) ? list.length : list instanceof Set ? list.size : itemsOf(list).length;
}

/** Kubernetes' functions of lists (`isSorted`, `sum`, `min`, `max`, `indexOf`, …), `sets.*` and `math.*`. */
export function registerListFunctions(environment: Environment, budget: CelBudget): void {
  const charged = (list: CelList): readonly unknown[] => {
    const items = itemsOf(list);
    return budget.spend(items.length / 10) ? items : [];
  };
  environment
    .registerFunction("list.isSorted(): bool", (list: CelList) =>
      charged(list).every((item, index, items) => index === 0 || compare(items[index - 1], item) <= 0),
    )
    .registerFunction("list.sum(): dyn", (list: CelList) => charged(list).reduce(sum, undefined) ?? 0n)
    .registerFunction("list.min(): dyn", (list: CelList) => extreme("min", charged(list), -1))
    .registerFunction("list.max(): dyn", (list: CelList) => extreme("max", charged(list), 1))
    .registerFunction("list.indexOf(dyn): int", (list: CelList, value: unknown) =>
      BigInt(charged(list).findIndex((item) => isSame(item, value))),
    )
    .registerFunction("list.lastIndexOf(dyn): int", (list: CelList, value: unknown) =>
      BigInt(charged(list).findLastIndex((item) => isSame(item, value))),
    )
    .registerFunction("list.slice(int, int): list<dyn>", (list: CelList, from: bigint, to: bigint) => {
      const items = charged(list);
      if (from < 0n || to < from || to > items.length)
        throw new EvaluationError(`cannot slice(${from}, ${to}), list is length ${items.length}`);
      return items.slice(Number(from), Number(to));
    })
    .registerFunction("list.sort(): list<dyn>", (list: CelList) => [...charged(list)].sort(compare))
    .registerFunction("list.reverse(): list<dyn>", (list: CelList) => [...charged(list)].reverse())
    .registerFunction("list.distinct(): list<dyn>", (list: CelList) => distinct(charged(list), budget))
    .registerFunction("list.flatten(): list<dyn>", (list: CelList) =>
      charged(list).flatMap((item) => (Array.isArray(item) || item instanceof Set ? [...item] : [item])),
    )
    .registerType("SetsFunctions", SetsFunctions)
    .registerConstant("sets", "SetsFunctions", new SetsFunctions())
    .registerFunction("SetsFunctions.contains(list, list): bool", (_self: unknown, all: CelList, some: CelList) =>
      containsAll(all, some, budget),
    )
    .registerFunction(
      "SetsFunctions.equivalent(list, list): bool",
      (_self: unknown, one: CelList, other: CelList) =>
        containsAll(one, other, budget) && containsAll(other, one, budget),
    )
    .registerFunction("SetsFunctions.intersects(list, list): bool", (_self: unknown, one: CelList, other: CelList) => {
      const others = itemsOf(other);
      return itemsOf(one).some((item) => isAmong(item, others, budget));
    })
    .registerType("MathFunctions", MathFunctions)
    .registerConstant("math", "MathFunctions", new MathFunctions());
  for (const [name, sign] of [
    ["least", -1],
    ["greatest", 1],
  ] as const) {
    environment.registerFunction(`MathFunctions.${name}(dyn): dyn`, (_self: unknown, value: unknown) =>
      Array.isArray(value) || value instanceof Set ? extreme(name, charged(value), sign) : value,
    );
    for (const parameters of ["dyn, dyn", "dyn, dyn, dyn", "dyn, dyn, dyn, dyn"])
      environment.registerFunction(
        `MathFunctions.${name}(${parameters}): dyn`,
        (_self: unknown, ...values: unknown[]) => extreme(name, values.slice(0, parameters.split(",").length), sign),
      );
  }
}

function containsAll(all: CelList, some: CelList, budget: CelBudget): boolean {
  const items = itemsOf(all);
  return itemsOf(some).every((item) => isAmong(item, items, budget));
}

function isAmong(value: unknown, items: readonly unknown[], budget: CelBudget): boolean {
  return budget.spend(items.length / 10) && items.some((item) => isSame(item, value));
}

function distinct(items: readonly unknown[], budget: CelBudget): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) if (!isAmong(item, kept, budget)) kept.push(item);
  return kept;
}

function extreme(name: string, items: readonly unknown[], sign: 1 | -1): unknown {
  if (items.length === 0) throw new EvaluationError(`${name} called on empty list`);
  return items.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best));
}

function sum(total: unknown, item: unknown): unknown {
  if (total === undefined) return item;
  if (typeof total === "bigint" && typeof item === "bigint") return total + item;
  if (isNumber(total) && isNumber(item)) return Number(total) + Number(item);
  if (isDuration(total) && isDuration(item)) return total.addDuration(item);
  throw new EvaluationError("no such overload: sum");
}

/** The library's durations. */
interface Duration {
  addDuration(other: Duration): Duration;
}

function isDuration(value: unknown): value is Duration {
  return typeof value === "object" && value !== null && "addDuration" in value;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** @throws EvaluationError for what has no order */
function compare(one: unknown, other: unknown): number {
  const [left, right] = [comparable(one), comparable(other)];
  if (typeof left !== typeof right && !(isNumber(left) && isNumber(right)))
    throw new EvaluationError("no such overload: values of different types have no order");
  return left < right ? -1 : left > right ? 1 : 0;
}

function comparable(value: unknown): string | number | bigint | boolean {
  if (typeof value === "string" || isNumber(value) || typeof value === "boolean") return value;
  if (value instanceof Date) return value.getTime();
  if (isDuration(value)) return Number(value.valueOf());
  throw new EvaluationError("no such overload: values of this type have no order");
}

/** CEL's equality: numbers by value whatever their kind, lists and maps by their members. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (isNumber(one) && isNumber(other)) return Number(one) === Number(other);
  if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime();
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (isDuration(one) || isDuration(other)) return String(one) === String(other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isSame(value, right.get(key)));
}

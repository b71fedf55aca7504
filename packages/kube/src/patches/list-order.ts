import type { JsonValue } from "@skerry/base";
import { jsonEqual } from "./json-merge-patch.ts";

/**
 * Orders a merged list as the strategic merge does: items that the patch names follow the patch's order, the others
 * keep the server's, and the two are interleaved by the server's order where it knows both, patch items first else.
 */
export function normalizeOrder(
  merged: readonly JsonValue[],
  patchOrder: readonly JsonValue[],
  serverOrder: readonly JsonValue[],
  identity: (item: JsonValue) => JsonValue | undefined,
): JsonValue[] {
  const position = (order: readonly JsonValue[], item: JsonValue): number => {
    const wanted = identity(item);
    return order.findIndex((candidate) => jsonEqual(identity(candidate), wanted));
  };
  const named: JsonValue[] = [];
  const others: JsonValue[] = [];
  for (const item of merged) (position(patchOrder, item) >= 0 ? named : others).push(item);
  named.sort((left, right) => position(patchOrder, left) - position(patchOrder, right));
  const serverPosition = (item: JsonValue): number => position(serverOrder, item);
  const result: JsonValue[] = [];
  for (const item of named) {
    const at = serverPosition(item);
    for (let next = others[0]; next !== undefined && at >= 0; next = others[0]) {
      const nextAt = serverPosition(next);
      if (nextAt < 0 || nextAt >= at) break;
      result.push(next);
      others.shift();
    }
    result.push(item);
  }
  return [...result, ...others];
}

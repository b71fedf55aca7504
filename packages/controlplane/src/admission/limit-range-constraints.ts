import type { Quantity } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import type { Amounts } from "@skerry/kube";
import { nanoToQuantity, quantityToNano } from "@skerry/kube";
import { objectAt, textAt } from "../registry/api-object.ts";
import { amountText } from "./quota/resource-usage.ts";

/** What something asks for and may use at most. */
export interface Consumption {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/**
 * What of one entry of a LimitRange a container, pod or claim does not keep to, in Kubernetes' words.
 * @param maximumOf which amount the maximum is for: claims have requests only
 */
export function limitViolations(
  limit: JsonObject,
  { requests, limits }: Consumption,
  maximumOf: "limit" | "request",
): string[] {
  const type = textAt(limit, "type");
  const found: string[] = [];
  for (const [resource, minimum] of amounts(limit, "min")) {
    const [request, top] = [requests.get(resource), limits.get(resource)];
    const rule = `minimum ${resource} usage per ${type} is ${textOf(limit, "min", resource)}`;
    if (request === undefined) found.push(`${rule}.  No request is specified`);
    else if (request < minimum) found.push(`${rule}, but request is ${amountText(resource, request)}`);
    else if (top !== undefined && top < minimum) found.push(`${rule}, but limit is ${amountText(resource, top)}`);
  }
  for (const [resource, maximum] of amounts(limit, "max")) {
    const [request, top] = [requests.get(resource), limits.get(resource)];
    const rule = `maximum ${resource} usage per ${type} is ${textOf(limit, "max", resource)}`;
    const first = maximumOf === "limit" ? top : request;
    if (first === undefined) found.push(`${rule}.  No ${maximumOf} is specified`);
    else if (first > maximum) found.push(`${rule}, but ${maximumOf} is ${amountText(resource, first)}`);
    else if (request !== undefined && request > maximum)
      found.push(`${rule}, but request is ${amountText(resource, request)}`);
  }
  for (const [resource, ratio] of amounts(limit, "maxLimitRequestRatio")) {
    const [request = 0n, top = 0n] = [requests.get(resource), limits.get(resource)];
    const rule = `${resource} max limit to request ratio per ${type} is ${nanoToQuantity(ratio, false)}`;
    if (request === 0n) found.push(`${rule}, but no request is specified or request is 0`);
    else if (top === 0n) found.push(`${rule}, but no limit is specified or limit is 0`);
    else if (top * 1_000_000_000n > ratio * request)
      found.push(`${rule}, but provided ratio is ${(Number(top) / Number(request)).toFixed(6)}`);
  }
  return found;
}

function amounts(limit: JsonObject, member: string): [string, bigint][] {
  return Object.entries(objectAt(limit, member)).map(([name, quantity]) => [
    name,
    quantityToNano(quantity as Quantity),
  ]);
}

function textOf(limit: JsonObject, member: string, resource: string): string {
  return String(objectAt(limit, member)[resource]);
}

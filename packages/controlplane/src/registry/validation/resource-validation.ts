import type { JsonObject } from "@skerry/base";
import { isBinaryQuantity, isQuantity, nanoToQuantity, quantityToNano } from "@skerry/kube";
import { objectAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import { nameErrors, qualifiedNameRule } from "./name-rules.ts";

const CONTAINER_RESOURCES: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const HUGE_PAGES = "hugepages-";
const WHOLE = 1_000_000_000n;

/** One resource of a list and how much of it, in billionths. */
export interface ResourceAmount {
  readonly name: string;
  readonly nano: bigint;
  /** As Kubernetes writes it. */
  readonly text: string;
}

/** The readable quantities of a resource list; others were refused when the object was read. */
export function resourceAmounts(list: JsonObject): ResourceAmount[] {
  return Object.entries(list).flatMap(([name, quantity]) => {
    const text = String(quantity);
    if (!isQuantity(text)) return [];
    const nano = quantityToNano(text);
    return [{ name, nano, text: nanoToQuantity(nano, isBinaryQuantity(text)) }];
  });
}

/** Rules of what a container, or a pod as a whole, asks for and may use. */
export function validateResourceRequirements(resources: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const limits = new Map<string, ResourceAmount>();
  for (const limit of resourceAmounts(objectAt(resources, "limits"))) {
    limits.set(limit.name, limit);
    errors.push(...containerResourceErrors(limit, `${path}.limits[${limit.name}]`));
  }
  for (const request of resourceAmounts(objectAt(resources, "requests"))) {
    const { name } = request;
    errors.push(...containerResourceErrors(request, `${path}.requests[${name}]`));
    const limit = limits.get(name);
    const mayDiffer = isNative(name) && !name.startsWith(HUGE_PAGES);
    if (!limit) {
      if (!mayDiffer) errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    } else if (!mayDiffer && request.nano !== limit.nano)
      errors.push(invalidValue(`${path}.requests`, request.text, `must be equal to ${name} limit of ${limit.text}`));
    else if (request.nano > limit.nano)
      errors.push(
        invalidValue(`${path}.requests`, request.text, `must be less than or equal to ${name} limit of ${limit.text}`),
      );
  }
  return errors;
}

/** An amount of a resource may not be negative, and of what cannot be shared there are whole ones only. */
export function amountErrors({ nano, text }: ResourceAmount, path: string, isWhole: boolean): FieldError[] {
  if (nano < 0n) return [invalidValue(path, text, "must be greater than or equal to 0")];
  return isWhole && nano % WHOLE !== 0n ? [invalidValue(path, text, "must be an integer")] : [];
}

/** The name of a resource of containers. */
export function containerResourceNameErrors(name: string, path: string): FieldError[] {
  const errors = nameErrors(qualifiedNameRule, path, name);
  if (errors.length > 0 || name.includes("/")) return errors;
  return CONTAINER_RESOURCES.has(name) || name.startsWith(HUGE_PAGES)
    ? []
    : [
        invalidValue(path, name, "must be a standard resource type or fully qualified"),
        invalidValue(path, name, "must be a standard resource for containers"),
      ];
}

/** Resources without a domain, and those of kubernetes.io: Kubernetes itself shares them out. */
function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

function containerResourceErrors(amount: ResourceAmount, path: string): FieldError[] {
  return [...containerResourceNameErrors(amount.name, path), ...amountErrors(amount, path, !isNative(amount.name))];
}

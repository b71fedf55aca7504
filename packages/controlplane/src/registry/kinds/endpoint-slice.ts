import { objectsIn } from "../api-object.ts";
import { invalidValue, tooMany } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateSliceAddresses } from "../validation/cluster-data-validation.ts";
import { plainStrategy } from "./core.ts";

/** Endpoints that one slice may list. */
export const SLICE_LIMIT = 1_000;

/** discovery.k8s.io/v1 EndpointSlice. */
export const endpointSliceStrategy: KindStrategy = {
  ...plainStrategy,
  validate(slice) {
    const count = objectsIn(slice["endpoints"]).length;
    return count > SLICE_LIMIT ? [tooMany("endpoints", count, SLICE_LIMIT)] : validateSliceAddresses(slice);
  },
  validateUpdate: (next, previous) =>
    next["addressType"] === previous["addressType"]
      ? []
      : [invalidValue("addressType", next["addressType"], "field is immutable")],
};

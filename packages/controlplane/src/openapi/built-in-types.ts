import { TypeCatalog } from "./type-table.ts";
import { accessTypes } from "./types/access-types.ts";
import { apiextensionsTypes } from "./types/apiextensions-types.ts";
import { coreTypes } from "./types/core-types.ts";
import { metaTypes } from "./types/meta-types.ts";
import { podTypes } from "./types/pod-types.ts";
import { volumeTypes } from "./types/volume-types.ts";
import { workloadTypes } from "./types/workload-types.ts";

/** A catalog of all types that the control plane has built in. */
export function builtInTypes(): TypeCatalog {
  return new TypeCatalog([podTypes, coreTypes, volumeTypes, metaTypes, workloadTypes, accessTypes, apiextensionsTypes]);
}

import { TypeCatalog } from "./type-table.ts";
import { accessTypes } from "./types/access-types.ts";
import { admissionTypes } from "./types/admission-types.ts";
import { apiextensionsTypes } from "./types/apiextensions-types.ts";
import { autoscalingTypes } from "./types/autoscaling-types.ts";
import { batchTypes } from "./types/batch-types.ts";
import { coreTypes } from "./types/core-types.ts";
import { metaTypes } from "./types/meta-types.ts";
import { networkingTypes } from "./types/networking-types.ts";
import { nodeTypes } from "./types/node-types.ts";
import { podTypes } from "./types/pod-types.ts";
import { policyTypes } from "./types/policy-types.ts";
import { storageTypes } from "./types/storage-types.ts";
import { volumeTypes } from "./types/volume-types.ts";
import { workloadTypes } from "./types/workload-types.ts";

/** A catalog of all types that the control plane has built in. */
export function builtInTypes(): TypeCatalog {
  return new TypeCatalog([
    podTypes,
    coreTypes,
    volumeTypes,
    metaTypes,
    workloadTypes,
    accessTypes,
    apiextensionsTypes,
    batchTypes,
    networkingTypes,
    storageTypes,
    policyTypes,
    autoscalingTypes,
    nodeTypes,
    admissionTypes,
  ]);
}

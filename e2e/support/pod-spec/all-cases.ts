import { environmentCases } from "./environment-cases.ts";
import { identityCases } from "./identity-cases.ts";
import { lifecycleCases } from "./lifecycle-cases.ts";
import type { PodSpecCase, ShownFields } from "./pod-spec-case.ts";
import { securityCases } from "./security-cases.ts";
import {
  deafPod,
  debugContainer,
  endingPod,
  hostProbedPod,
  linkedPod,
  listeningContainer,
  privateImagePod,
  probedPod,
  resizedPod,
} from "./standing-pods.ts";
import { volumeCases } from "./volume-cases.ts";

/** Pods that run to their end. */
export const podSpecCases: readonly PodSpecCase[] = [
  ...identityCases,
  ...environmentCases,
  ...securityCases,
  ...volumeCases,
  ...lifecycleCases,
];

/** All that shows that a field works. */
export const workingFields: readonly Pick<ShownFields, "name" | "fields">[] = [
  ...podSpecCases,
  probedPod,
  endingPod,
  hostProbedPod(0, 0),
  deafPod,
  debugContainer,
  listeningContainer,
  resizedPod,
  privateImagePod(""),
  linkedPod,
];

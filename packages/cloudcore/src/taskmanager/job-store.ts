import type { NodeJob, NodeJobStatus } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { jsonEqual, type KubernetesApi } from "@skerry/kube";
import type { JobKind } from "./job-kinds.ts";

/**
 * Writes a job's status if it differs, on condition that nobody else has written the job since it was read: several
 * CloudCores work on the same jobs. Returns whether it was written.
 * @throws ApiError `Conflict` when somebody has
 */
export async function writeStatus(
  api: KubernetesApi,
  kind: JobKind,
  job: NodeJob,
  status: NodeJobStatus,
): Promise<boolean> {
  if (jsonEqual(asJson(job.status ?? null), asJson(status))) return false;
  const { name, resourceVersion = "" } = job.metadata;
  await api.patch(
    { resource: kind.resource, name, subresource: "status" },
    {
      type: "merge",
      body: { metadata: { resourceVersion }, status: { ...asObject(status), reason: status.reason ?? null } },
    },
  );
  return true;
}

/** Statuses are JSON by construction. */
function asJson(value: object | null): JsonValue {
  return value as unknown as JsonValue;
}

function asObject(status: NodeJobStatus): { [name: string]: JsonValue } {
  return status as unknown as { [name: string]: JsonValue };
}

import { type Lease, leases } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";

const PAGE = 500;

/** The leases of all nodes. @throws ApiError */
export function listNodeLeases(api: KubernetesApi, signal?: AbortSignal): Promise<readonly Lease[]> {
  return listLeases(api, "kube-node-lease", signal);
}

/** The leases of a namespace. @throws ApiError */
export async function listLeases(
  api: KubernetesApi,
  namespace: string,
  signal?: AbortSignal,
): Promise<readonly Lease[]> {
  const all: Lease[] = [];
  let token: string | undefined;
  do {
    const page = await api.list<Lease>(
      { resource: leases, namespace },
      { limit: PAGE, ...(token ? { continue: token } : {}), ...(signal ? { signal } : {}) },
    );
    all.push(...page.items);
    token = page.metadata.continue || undefined;
  } while (token !== undefined);
  return all;
}

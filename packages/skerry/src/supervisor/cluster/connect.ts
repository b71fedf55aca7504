import { existsSync } from "node:fs";
import type { KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { cloudElsewhere, notRunning } from "../../errors.ts";
import { loadSettings } from "../../settings.ts";
import type { SkerryHome } from "../../skerry-home.ts";

/**
 * The Kubernetes API of this home, as its administrator. Throws SKERRY_NOT_RUNNING where there is no kubeconfig,
 * SKERRY_CLOUD_ELSEWHERE on a machine whose node joined another machine's cloud.
 */
export async function connectToCluster(home: SkerryHome): Promise<KubernetesApi & Disposable> {
  const { cloud, kubeConfig } = loadSettings(home);
  if (cloud) throw cloudElsewhere(cloud.cloudHub);
  const file = kubeConfig ?? home.kubeconfig;
  if (!existsSync(file)) throw notRunning(home.folder);
  return new HttpsKubernetesApi(await loadKubeconfig(file));
}

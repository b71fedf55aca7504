import { existsSync } from "node:fs";
import type { KubernetesApi } from "@skerry/kube";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { notRunning } from "../../errors.ts";
import type { SkerryHome } from "../../skerry-home.ts";

/** The Kubernetes API of this home, as its administrator. Throws SKERRY_NOT_RUNNING where there is no kubeconfig. */
export async function connectToCluster(home: SkerryHome): Promise<KubernetesApi & Disposable> {
  if (!existsSync(home.kubeconfig)) throw notRunning(home.folder);
  return new HttpsKubernetesApi(await loadKubeconfig(home.kubeconfig));
}

import type { CloudCoreConfig } from "@skerry/api";
import { HttpsKubernetesApi, inClusterConnection, loadKubeconfig } from "@skerry/kube/platform";
import type { CloudCoreOptions } from "./cloud-core.ts";

/** The Kubernetes of the configuration's kubeconfig, or of the pod that CloudCore runs in; closed with the stack. */
export async function connectKubernetes(
  config: CloudCoreConfig,
  stack: AsyncDisposableStack,
): Promise<NonNullable<CloudCoreOptions["kubernetes"]>> {
  const connection = await (config.kubeConfig ? loadKubeconfig(config.kubeConfig) : inClusterConnection());
  const { caCertificatePem: authorityPem } = connection;
  return { api: stack.use(new HttpsKubernetesApi(connection)), ...(authorityPem ? { authorityPem } : {}) };
}

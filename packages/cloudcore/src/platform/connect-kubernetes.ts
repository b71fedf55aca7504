import type { CloudCoreConfig } from "@skerry/api";
import { HttpsDelegatedApi, HttpsKubernetesApi, inClusterConnection, loadKubeconfig } from "@skerry/kube/platform";
import type { CloudCoreOptions } from "./cloud-core.ts";

/** What goes over the link in one message, base64, below its limit of 16 MiB. */
const DELEGATED_LIMITS = { timeoutMs: 10_000, maximumAnswerBytes: 8 * 1024 * 1024 };

/** The Kubernetes of the configuration's kubeconfig, or of the pod that CloudCore runs in; closed with the stack. */
export async function connectKubernetes(
  config: CloudCoreConfig,
  stack: AsyncDisposableStack,
): Promise<NonNullable<CloudCoreOptions["kubernetes"]>> {
  const connection = await (config.kubeConfig ? loadKubeconfig(config.kubeConfig) : inClusterConnection());
  const { caCertificatePem: authorityPem } = connection;
  const delegated = config.dynamicController.enabled
    ? { delegated: stack.use(new HttpsDelegatedApi(connection, DELEGATED_LIMITS)) }
    : {};
  return {
    api: stack.use(new HttpsKubernetesApi(connection)),
    ...delegated,
    ...(authorityPem ? { authorityPem } : {}),
  };
}

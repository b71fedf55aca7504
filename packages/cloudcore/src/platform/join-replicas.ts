import type { CloudCoreConfig } from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import { type KubernetesApi, LeaderElector } from "@skerry/kube";
import { SYSTEM_NAMESPACE } from "../cloudhub/index.ts";
import { machineName } from "./machine-name.ts";

/** Longest host name in a replica's name, which is a label's value. */
const MAX_HOST = 50;

/** The name of a CloudCore among its replicas. */
export function replicaName({ replica, webSocket }: CloudCoreConfig): string {
  return replica.name || `${machineName().slice(0, MAX_HOST)}-${webSocket.port}`;
}

/** Where the other replicas reach this one, as `host:port`. */
export function peerAddress(
  { replica }: CloudCoreConfig,
  advertised: readonly string[],
  port: number | undefined,
): string | undefined {
  if (port === undefined) return undefined;
  const host = replica.peerAddress || (advertised[0] ?? "127.0.0.1");
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The election of the CloudCore that does what only one may do. */
export function cloudCoreElector(
  ports: { readonly api: KubernetesApi; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  identity: string,
): LeaderElector {
  return new LeaderElector({ ...ports, namespace: SYSTEM_NAMESPACE, name: "cloudcore-leader", identity });
}

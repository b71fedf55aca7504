import type { Clock } from "@skerry/base";
import { type JoinTokenRecord, JoinTokenRecords, type JoinTokenScope } from "@skerry/cloudcore";
import type { KubernetesApi } from "@skerry/kube";
import { createSkerryToken, type SkerryTokenFacts } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { joinToken } from "./join-token.ts";

/**
 * Makes a join token of Skerry's, which carries the addresses at which the node finds the cloud. Waits for a CloudCore
 * that is just starting. Throws SKERRY_PART_NOT_READY, CLOUDHUB_TOKEN_LIMIT.
 */
export async function createJoinToken(
  api: KubernetesApi,
  clock: Clock,
  scope: JoinTokenScope,
  addresses: Pick<SkerryTokenFacts, "cloudHub" | "cloudHttps" | "cloudTunnel">,
  validForMs: number,
): Promise<{ readonly token: string; readonly record: JoinTokenRecord }> {
  // The hash of the authority, by which the node knows its cloud, is what KubeEdge's token begins with.
  const [authorityHash = ""] = (await joinToken(api, clock)).split(".");
  const nowMs = clock.now();
  const expiresAtMs = nowMs + validForMs;
  const { record, token } = await new JoinTokenRecords(api, systemPki).create(scope, { nowMs, expiresAtMs });
  const nodeName = scope.kind === "node" ? { nodeName: scope.nodeName } : {};
  return { token: createSkerryToken(authorityHash, token, { expiresAtMs, ...nodeName, ...addresses }), record };
}

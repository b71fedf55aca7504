import { type KubernetesObject, secrets } from "@skerry/api";
import { type Clock, sleep } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { partNotReady } from "../../errors.ts";

interface Secret extends KubernetesObject {
  data?: Record<string, string>;
}

/** Where CloudCore keeps the join token, as KubeEdge does (security.md 3). */
const TOKEN_SECRET = { resource: secrets, namespace: "kubeedge", name: "tokensecret" };
const TOKEN_MEMBER = "tokendata";
const WAIT_MS = 30_000;

/** The token with which a new node enrols. Waits for CloudCore's first one. Throws SKERRY_PART_NOT_READY. */
export async function joinToken(api: KubernetesApi, clock: Clock): Promise<string> {
  const deadlineMs = clock.monotonicMs() + WAIT_MS;
  for (;;) {
    const secret = await api.get<Secret>(TOKEN_SECRET).catch((error: unknown) => {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    });
    const token = Buffer.from(secret?.data?.[TOKEN_MEMBER] ?? "", "base64").toString();
    if (token !== "") return token;
    if (clock.monotonicMs() >= deadlineMs)
      throw partNotReady(
        "CloudCore",
        "it made no join token",
        "logs/cloudcore.log in the home folder (.skerry, or SKERRY_HOME)",
      );
    await sleep(clock, 100);
  }
}

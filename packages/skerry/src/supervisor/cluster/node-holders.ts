import { withTimeout } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import type { NodeHolder } from "@skerry/cloudcore";
import type { SkerryHome } from "../../skerry-home.ts";
import { connectToCluster } from "./connect.ts";

const TIMEOUT_MS = 3_000;

/** Which CloudCore has which node; undefined where the Kubernetes API does not answer soon. */
export async function readNodeHolders(home: SkerryHome): Promise<readonly NodeHolder[] | undefined> {
  try {
    // Loaded only where it is used: it is much of CloudCore.
    const { nodeHolders } = await import("@skerry/cloudcore");
    using cluster = await connectToCluster(home);
    const reading = nodeHolders(cluster, systemClock);
    return await withTimeout(systemClock, TIMEOUT_MS, reading, () => new Error("no answer in time"));
  } catch {
    return undefined;
  }
}

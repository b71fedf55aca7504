import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clock, sleep } from "@skerry/base";
import { cloudNotReached } from "../errors.ts";
import type { JoinedCloud } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";

/** EdgeCore tries again meanwhile, so a cloud that is just starting is met. */
const WAIT_MS = 30_000;

/**
 * Waits until the cloud gave the node its certificate; a node that has one carries on without the cloud. Throws
 * SKERRY_CLOUD_NOT_REACHED.
 */
export async function waitForCertificate(
  home: SkerryHome,
  node: string,
  cloud: JoinedCloud,
  clock: Clock,
): Promise<void> {
  const file = join(home.nodeFolder(node), "certificates", "server.crt");
  const deadlineMs = clock.monotonicMs() + WAIT_MS;
  while (!existsSync(file)) {
    if (clock.monotonicMs() >= deadlineMs)
      throw cloudNotReached(node, cloud.cloudHttps, join(home.logs, `edgecore-${node}.log`));
    await sleep(clock, 100);
  }
}

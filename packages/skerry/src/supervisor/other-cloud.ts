import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

/** What a node keeps that is good for one cloud only: its certificates and the objects it was sent. */
const KEPT = [
  "certificates",
  "edgecore.db",
  "edgecore.db-wal",
  "edgecore.db-shm",
  "telemetry.db",
  "telemetry.db-wal",
  "telemetry.db-shm",
];

/**
 * Sets aside what the node keeps of a cloud that is no more, because the control plane began anew with an empty
 * database: the new CloudCore would refuse the old certificate. A join token begins with the hash of its cloud's
 * authority. Returns the folder that has it now, or undefined when the node belongs to this cloud or to none yet.
 */
export function setOtherCloudAside(nodeFolder: string, token: string, nowMs: number): string | undefined {
  const authorityFile = join(nodeFolder, "certificates", "ca.crt");
  if (!existsSync(authorityFile) || hashesOf(authorityFile).includes(token.split(".")[0] ?? "")) return undefined;
  const folder = join(nodeFolder, `other-cloud-${new Date(nowMs).toISOString().replaceAll(":", "-")}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of KEPT)
    if (existsSync(join(nodeFolder, name))) renameSync(join(nodeFolder, name), join(folder, name));
  return folder;
}

/** Of all certificates in the file: while the authority changes there are two. None for what is no certificate. */
function hashesOf(certificateFile: string): readonly string[] {
  const blocks = readFileSync(certificateFile, "utf8").match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [createHash("sha256").update(new X509Certificate(block).raw).digest("hex")];
    } catch {
      return []; // EdgeCore says more about it.
    }
  });
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { IpFamily } from "@skerry/api";

/**
 * A file that is there as long as rules for Services of a family may be in the kernel: a node that has none need not look
 * there.
 * @param rootDirectory Edged's
 */
export function noteOfRules(rootDirectory: string, family: IpFamily): string {
  return join(rootDirectory, family === "IPv4" ? "service-rules" : "service-rules-ipv6");
}

/** Whether there may be rules of any family. */
export function isNotedOfRules(rootDirectory: string): boolean {
  return existsSync(noteOfRules(rootDirectory, "IPv4")) || existsSync(noteOfRules(rootDirectory, "IPv6"));
}

import { join } from "node:path";

/**
 * A file that is there as long as rules for Services may be in the kernel: a node that has none need not look there.
 * @param rootDirectory Edged's
 */
export function noteOfRules(rootDirectory: string): string {
  return join(rootDirectory, "service-rules");
}

import { arch } from "node:os";
import { goArchitecture as goName } from "../../edged/node/node-object.ts";

/** This machine's architecture as images name it. */
export function goArchitecture(): string {
  return goName(arch());
}

import { describeError, SkerryError } from "@skerry/base";

/** The kernel's rules for Services could not be made. */
export function rulesRefused(command: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "SERVICES_RULES_REFUSED",
    message: `The rules that lead the addresses of Services to their pods cannot be made: ${command}: ${describeError(cause)}`,
    advice: "EdgeCore needs root and the programs iptables and iptables-restore in its PATH; it tries again by itself.",
    details: { command },
    cause,
  });
}

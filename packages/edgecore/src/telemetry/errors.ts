import { SkerryError } from "@skerry/base";

/** The cloud answered samples with a failure. */
export function cloudRefusesSamples(reason: string): SkerryError {
  return new SkerryError({
    code: "TELEMETRY_REFUSED",
    message: `The cloud does not store samples: ${reason}`,
    advice: "Look at CloudCore's log and its telemetry settings. Samples stay at the edge meanwhile.",
    details: { reason },
  });
}

import type { FieldUpdates } from "@skerry/api";
import { type Clock, type JsonObject, type SkerryError, sleep } from "@skerry/base";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { reasonOf } from "../taskmanager/errors.ts";
import type { StepContext, StepOutcome, Steps } from "../taskmanager/steps.ts";
import { beginTrial, failTrial, keepTrial } from "./config-state.ts";
import type { ConfigUpdater } from "./config-updater.ts";
import { configFixed, updateBusy, updateInvalid, updateTakenBack } from "./errors.ts";

export interface ConfigUpdatePorts {
  /** Undefined where EdgeCore has no configuration file. */
  readonly updater: ConfigUpdater | undefined;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
}

/** A session that ends at once proves nothing. */
const STEADY_MS = 2_000;
const DEFAULT_TIMEOUT_SECONDS = 300;

/**
 * The steps of a ConfigUpdateJob. EdgeCore starts again with the new configuration and has half of the job's time to
 * connect; else it starts again with the old one, by itself, and reports that when it is connected.
 */
export function configUpdateSteps({ updater, ...ports }: ConfigUpdatePorts): Steps {
  if (!updater) return { Check: async () => failed(configFixed()) };
  return {
    Check: async ({ spec }) => {
      const reading = await updater.check(spec["updateFields"]);
      return reading.kind === "wrong" ? failed(updateInvalid(reading.findings)) : { kind: "done" };
    },
    // What is in effect stays written down beside the update; that it can be is tried before anything changes.
    BackUp: async () => {
      await updater.write(updater.state);
      return { kind: "done" };
    },
    Update: (context) => update(context, updater, ports),
    // Done before the update's failure is reported.
    RollBack: async () => ({ kind: "done" }),
  };
}

async function update(
  { id, spec, signal }: StepContext,
  updater: ConfigUpdater,
  { cloudLink, clock }: Omit<ConfigUpdatePorts, "updater">,
): Promise<StepOutcome> {
  const { trial, outcome } = updater.state;
  if (outcome?.job === id)
    return outcome.failure === undefined ? { kind: "done" } : { kind: "failed", reason: outcome.failure };
  if (!trial) return await begin(id, spec, updater);
  if (trial.job !== id) return failed(updateBusy());
  if (await connectsWithin(trial.seconds * 1000, cloudLink, clock, signal)) {
    await updater.write(keepTrial(updater.state));
    return { kind: "done" };
  }
  await updater.write(failTrial(updater.state, reasonOf(updateTakenBack(trial.seconds))));
  updater.restart();
  return { kind: "restarting" };
}

async function begin(id: string, spec: JsonObject, updater: ConfigUpdater): Promise<StepOutcome> {
  // Somebody may have changed the file since the check.
  const reading = await updater.check(spec["updateFields"]);
  if (reading.kind === "wrong") return failed(updateInvalid(reading.findings));
  const updates: FieldUpdates = reading.updates;
  if (!(await updater.changes(updates))) return { kind: "done", reason: "the configuration was so already" };
  await updater.write(beginTrial(updater.state, id, updates, trialSeconds(spec)));
  updater.restart();
  return { kind: "restarting" };
}

/** Half of the job's time: the other half is for going back and reporting that. */
function trialSeconds({ timeoutSeconds }: JsonObject): number {
  const seconds = typeof timeoutSeconds === "number" && timeoutSeconds > 0 ? timeoutSeconds : DEFAULT_TIMEOUT_SECONDS;
  return Math.min(600, Math.max(10, Math.floor(seconds / 2)));
}

/** Whether the node is connected, and stays so for a moment, within the time. */
async function connectsWithin(
  limitMs: number,
  cloudLink: CloudLink,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + limitMs;
  while (clock.monotonicMs() < deadlineMs) {
    const { sinceMs } = cloudLink.state;
    await sleep(clock, STEADY_MS, signal);
    if (cloudLink.state.kind === "connected" && cloudLink.state.sinceMs === sinceMs) return true;
  }
  return false;
}

function failed(error: SkerryError): StepOutcome {
  return { kind: "failed", reason: reasonOf(error) };
}

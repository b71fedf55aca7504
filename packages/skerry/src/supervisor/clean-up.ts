import { sleep } from "@skerry/base";
import { sendSignal, startTicks, systemClock } from "@skerry/base/platform";
import { findRuntime } from "../noderuntime/choose-runtime.ts";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import type { LockHolder } from "./home-lock.ts";

const STOP_MS = 10_000;

/** Ends the processes that a crashed supervisor left, and removes its containers and network. */
export async function cleanUpAfterCrash(home: SkerryHome, settings: Settings, crashed: LockHolder): Promise<void> {
  const left = crashed.children.filter((child) => startTicks(child.processId) === child.startTicks);
  for (const child of left) sendSignal(child.processId, "SIGTERM");
  const deadlineMs = systemClock.monotonicMs() + STOP_MS;
  const alive = (): typeof left => left.filter((child) => startTicks(child.processId) === child.startTicks);
  while (alive().length > 0 && systemClock.monotonicMs() < deadlineMs) await sleep(systemClock, 50);
  for (const child of alive()) sendSignal(child.processId, "SIGKILL");
  if (settings.node !== undefined) await findRuntime(home, settings, settings.node)?.remove();
}

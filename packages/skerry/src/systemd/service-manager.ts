import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { noSystemd, partNotReady } from "../errors.ts";
import { smallNode } from "../node-options.ts";
import { runCommand, tryCommand } from "../run-command.ts";
import type { Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import { ownCommand } from "../supervisor/part-descriptions.ts";
import { print } from "../terminal.ts";
import { unitName, unitText } from "./unit-text.ts";

const UNIT_FOLDER = "/etc/systemd/system";
/** Where there is this folder, systemd runs the machine. */
const RUNNING_MARK = "/run/systemd/system";
const READY_MS = 180_000;
/** A little more than a unit may take: twice its TimeoutStopSec. */
const STOP_MS = 230_000;

/** The unit of a home folder with the settings: its name, and what is in it. */
export function unitOf(home: SkerryHome, settings: Settings): { readonly name: string; readonly text: string } {
  const role = settings.cloud === undefined ? "cloud" : "edge";
  return {
    name: unitName(role),
    text: unitText({ role, command: ownCommand([], smallNode), homeFolder: home.folder }),
  };
}

/**
 * Writes the unit, enables and starts it, and waits until Skerry is ready. The settings must be stored. Throws
 * SKERRY_NO_SYSTEMD, SKERRY_COMMAND_FAILED, SKERRY_PART_NOT_READY.
 */
export async function startUnit(home: SkerryHome, settings: Settings): Promise<void> {
  if (!existsSync(RUNNING_MARK)) throw noSystemd();
  const { name, text } = unitOf(home, settings);
  writeFileSync(join(UNIT_FOLDER, name), text, { mode: 0o644 });
  await runCommand(["systemctl", "daemon-reload"]);
  await runCommand(["systemctl", "enable", "--now", name]);
  print(`${name} is enabled and started; waiting until it is ready …`);
  await waitUntilReady(home, name);
}

/** Stops and removes the units of this home folder's machine, where there are any. */
export async function removeUnit(home: SkerryHome): Promise<void> {
  for (const role of ["cloud", "edge"] as const) {
    const file = join(UNIT_FOLDER, unitName(role));
    if (!existsSync(file) || !readFileSync(file, "utf8").includes(home.folder)) continue;
    await tryCommand(["systemctl", "disable", "--now", unitName(role)], { timeoutMs: STOP_MS });
    rmSync(file, { force: true });
    await tryCommand(["systemctl", "daemon-reload"]);
    print(`${unitName(role)} is removed.`);
  }
}

async function waitUntilReady(home: SkerryHome, name: string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + READY_MS;
  for (;;) {
    const status = (await askSupervisor(home, { command: "status" }).catch(() => undefined)) as
      | SupervisorStatus
      | undefined;
    if (status?.ready) return;
    if (systemClock.monotonicMs() >= deadlineMs)
      throw partNotReady(name, `it was not ready after ${READY_MS / 1000} s`, `\`journalctl -u ${name}\``);
    await sleep(systemClock, 500);
  }
}

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { commandFailed } from "../errors.ts";
import { skerryHome } from "../skerry-home.ts";
import { removeUnits, stopUnits, type UnitMachine } from "./service-manager.ts";
import { unitText } from "./unit-text.ts";

/** A machine with an edge node's unit, and what systemctl was asked there. */
function machineWith(
  context: TestContext,
  homeFolder: string,
  { fails = false, hasSystemd = true } = {},
): { readonly machine: UnitMachine; readonly asked: readonly string[]; readonly file: string } {
  const unitFolder = mkdtempSync(join(tmpdir(), "skerry-units-"));
  context.after(() => rmSync(unitFolder, { recursive: true }));
  const file = join(unitFolder, "skerry-edge.service");
  writeFileSync(file, unitText({ role: "edge", command: ["/usr/bin/skerry"], homeFolder }));
  const asked: string[] = [];
  const machine: UnitMachine = {
    unitFolder,
    hasSystemd: () => hasSystemd,
    runCommand: async (command): Promise<string> => {
      asked.push(command.join(" "));
      if (fails) throw commandFailed(command, "Access denied");
      return "";
    },
  };
  return { machine, asked, file };
}

const home = skerryHome({ SKERRY_HOME: "/srv/a b" });

test("a unit is stopped by systemd, which would start again what ends by itself", async (context) => {
  const { machine, asked, file } = machineWith(context, "/srv/a b");
  assert.deepEqual(await stopUnits(home, machine, {}), ["skerry-edge.service"]);
  assert.deepEqual(asked, ["systemctl stop skerry-edge.service"]);
  assert.ok(existsSync(file), "it starts again with the machine");
});

test("a unit of another home folder is left alone, and every unit where no systemd runs", async (context) => {
  const { machine, asked, file } = machineWith(context, "/srv/a b/c");
  assert.deepEqual(await stopUnits(home, machine, {}), []);
  await removeUnits(home, machine);
  assert.deepEqual(asked, []);
  assert.ok(existsSync(file));
  const container = machineWith(context, "/srv/a b", { hasSystemd: false });
  assert.deepEqual(await stopUnits(home, container.machine, {}), []);
  await removeUnits(home, container.machine);
  assert.deepEqual(container.asked, []);
  assert.ok(!existsSync(container.file), "a reset leaves no file");
});

test("a unit is not stopped by the command with which systemd stops it, also when its process has ended by itself", async (context) => {
  const { machine, asked } = machineWith(context, "/srv/a b");
  assert.deepEqual(await stopUnits(home, machine, { SERVICE_RESULT: "exit-code" }), []);
  assert.deepEqual(asked, []);
});

test("a unit that systemd does not stop or disable is told with systemd's reason, and its file stays", async (context) => {
  const { machine, file } = machineWith(context, "/srv/a b", { fails: true });
  for (const attempt of [() => stopUnits(home, machine, {}), () => removeUnits(home, machine)])
    await assert.rejects(
      attempt,
      (error) => isSkerryError(error, "SKERRY_COMMAND_FAILED") && /Access denied/.test(error.message),
    );
  assert.ok(existsSync(file));
});

test("a unit's file that cannot be removed is told with a code", async (context) => {
  const { machine, file } = machineWith(context, "/srv/a b");
  // What nobody can remove as a file, root neither.
  const runCommand = async (): Promise<string> => {
    rmSync(file);
    mkdirSync(file);
    return "";
  };
  await assert.rejects(
    removeUnits(home, { ...machine, runCommand }),
    (error) => isSkerryError(error, "SKERRY_COMMAND_FAILED") && error.message.includes(file),
  );
});

test("a removed unit is stopped and disabled, and its file is gone", async (context) => {
  const { machine, asked, file } = machineWith(context, "/srv/a b");
  await removeUnits(home, machine);
  assert.deepEqual(asked, ["systemctl disable --now skerry-edge.service", "systemctl daemon-reload"]);
  assert.ok(!existsSync(file));
});

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { loadDriver } from "@skerry/mapper/platform";
import { readDeviceFiles } from "./device-files.ts";
import { newMapper } from "./new.ts";

test("what `mapper new` writes is a driver of at most 30 lines with a Device that fits it; it overwrites nothing", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "skerry-new-")), "thermostat");
  try {
    assert.equal(await newMapper(["thermostat", "--folder", folder]), 0);
    const file = join(folder, "driver.ts");
    const lines = readFileSync(file, "utf8").split("\n");
    assert.ok(lines.filter((line) => line.trim() !== "").length <= 30);
    const driver = await loadDriver(file);
    const device = await readDeviceFiles(join(folder, "device.yaml"), join(folder, "model.yaml"));
    assert.equal(driver.protocol, "thermostat");
    assert.deepEqual(
      device.properties.map(({ name, writable }) => [name, writable]),
      [
        ["temperature", false],
        ["target", true],
      ],
    );
    const before = readdirSync(folder);
    await assert.rejects(newMapper(["other", "--folder", folder]), (error) =>
      isSkerryError(error, "SKERRY_FOLDER_NOT_EMPTY"),
    );
    assert.deepEqual(readdirSync(folder), before);
  } finally {
    rmSync(join(folder, ".."), { recursive: true });
  }
  for (const name of ["", "Big", "a b", "../x"])
    await assert.rejects(newMapper([name]), (error) => isSkerryError(error, "SKERRY_USAGE"));
});

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { loadDriver } from "./load-driver.ts";

async function file(content: string): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-driver-"));
  const path = join(folder, "driver.ts");
  await writeFile(path, content);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test("a TypeScript file in a folder of its own, without any package, is a driver", async () => {
  await using driver = await file(`import { defineDriver, number } from "@skerry/mapper";
    export default defineDriver({
      protocol: "mine",
      deviceConfig: { port: number(1) },
      open: ({ port }: { port: number }) => port,
      read: (session: number) => session,
    });`);
  assert.equal((await loadDriver(driver.path)).protocol, "mine");
});

test("the driver in the documentation is one, and counts", async () => {
  const page = await readFile(new URL("../../../../docs/drivers.md", import.meta.url), "utf8");
  await using snippet = await file(/^```ts\n(.*?)^```$/ms.exec(page)?.[1] ?? "");
  const driver = await loadDriver(snippet.path);
  const { signal } = new AbortController();
  const call = { deviceId: "d", signal, clock: systemClock, random: systemRandom, logger: silentLogger };
  const session = await driver.open({ start: 5 }, call);
  const access = session.property({ name: "count", type: "int", config: { step: "2" } });
  assert.deepEqual([await access.read(call), await access.read(call)], [7, 9]);
});

test("a file that is missing, broken or no driver is refused with what is wrong", async () => {
  await using none = await file("export default {};");
  await using broken = await file("export default (;");
  for (const path of [none.path, broken.path, `${none.path}.missing`])
    await assert.rejects(loadDriver(path), (error) => isSkerryError(error, "MAPPER_NO_DRIVER"));
});

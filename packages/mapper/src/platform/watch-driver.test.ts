import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BoundedQueue, describeError, silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { loadDriverFiles } from "./load-driver.ts";
import { DriverWatcher } from "./watch-driver.ts";

const driver = (protocol: string, more = ""): string => `
  import { defineDriver } from "@skerry/mapper";
  import { name } from "./name.ts";
  ${more}
  export default defineDriver({ protocol: ${protocol}, open: () => null, read: () => 1 });
`;

test("a changed driver is loaded anew, what it imports too; broken code is told with file and line", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-watch-"));
  const [file, part] = [join(folder, "driver.ts"), join(folder, "name.ts")];
  try {
    await writeFile(part, `export const name = "one";`);
    await writeFile(file, driver("name"));
    const loaded = await loadDriverFiles(file, 0);
    assert.equal(loaded.driver.protocol, "one");
    assert.deepEqual([...loaded.files].sort(), [file, part]);
    const seen = new BoundedQueue<string>(100, "drop-oldest");
    using _watcher = new DriverWatcher(file, loaded, {
      clock: systemClock,
      logger: silentLogger,
      onDriver: async ({ protocol }) => void seen.push(protocol),
      onBroken: (error) => void seen.push(describeError(error)),
    });
    const next = async (wanted: RegExp): Promise<string> => {
      for (;;) {
        const found = seen.shift();
        if (found !== undefined && wanted.test(found)) return found;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await writeFile(part, `export const name = "two";`);
    await next(/^two$/);
    await writeFile(file, driver("name", "const broken = (;"));
    assert.match(await next(/MAPPER_NO_DRIVER/), new RegExp(`${folder}/driver\\.ts:4: `));
    await writeFile(file, driver("nothing"));
    assert.match(await next(/nothing is not defined/), new RegExp(`${folder}/driver\\.ts:5: `));
    // As many editors write.
    await writeFile(`${file}.new`, driver("'three'"));
    await rename(`${file}.new`, file);
    await next(/^three$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configMaps, type KubernetesObject } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { backupControlPlane, restoreControlPlane } from "./backup.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

const maps = { resource: configMaps, namespace: "default" };

function start(dataFolder: string): Promise<ControlPlane> {
  const address = { address: "127.0.0.1", port: 0 };
  const ports = { clock: systemClock, random: systemRandom, logger: silentLogger };
  return startControlPlane({ dataFolder, ...address, ...ports, controllers: false });
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skerry-backup-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const make = (controlPlane: ControlPlane, name: string): Promise<KubernetesObject> =>
  controlPlane.api.create<KubernetesObject>(maps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

test("a backup that is taken while writes go on has all that was acknowledged before it, and its restore has the same keys", async () => {
  await inFolder(async (folder) => {
    const [data, backup, restored] = [join(folder, "data"), join(folder, "backup"), join(folder, "restored")];
    let kubeconfig = "";
    let revision = 0;
    {
      await using controlPlane = await start(data);
      await Promise.all(Array.from({ length: 50 }, (_, index) => make(controlPlane, `before-${index}`)));
      const later = Array.from({ length: 50 }, (_, index) => make(controlPlane, `later-${index}`));
      ({ revision } = backupControlPlane(data, backup));
      await Promise.all(later);
      ({ kubeconfig } = controlPlane);
    }
    assert.equal(statSync(backup).mode & 0o777, 0o700);
    assert.equal(statSync(join(backup, "controlplane.db")).mode & 0o777, 0o600);
    assert.equal(restoreControlPlane(backup, restored).revision, revision);
    await using again = await start(restored);
    const { items } = await again.api.list<KubernetesObject>(maps);
    assert.equal(items.filter(({ metadata }) => metadata.name.startsWith("before-")).length, 50);
    const withoutAddress = (text: string): string => text.replace(/server: .*/, "");
    assert.equal(withoutAddress(again.kubeconfig), withoutAddress(kubeconfig));
    assert.ok(Number((await make(again, "new")).metadata.resourceVersion) > revision);
  });
});

test("a backup is not written over something, nor restored over data, and neither leaves half a copy", async () => {
  await inFolder(async (folder) => {
    const [data, backup] = [join(folder, "data"), join(folder, "backup")];
    await (await start(data))[Symbol.asyncDispose]();
    assert.throws(() => backupControlPlane(join(folder, "nothing"), backup), coded("CONTROLPLANE_NO_DATA"));
    backupControlPlane(data, backup);
    assert.throws(() => backupControlPlane(data, backup), coded("CONTROLPLANE_BACKUP_TARGET_TAKEN"));
    assert.throws(() => restoreControlPlane(backup, data), coded("CONTROLPLANE_DATA_FOLDER_TAKEN"));
    const file = join(folder, "file");
    writeFileSync(file, "kept");
    assert.throws(() => backupControlPlane(data, join(file, "x")), coded("CONTROLPLANE_DATA_FOLDER_UNUSABLE"));
    assert.equal(readFileSync(file, "utf8"), "kept");
  });
});

test("a damaged backup is told before anything is restored", async () => {
  await inFolder(async (folder) => {
    const [data, backup, restored] = [join(folder, "data"), join(folder, "backup"), join(folder, "restored")];
    await (await start(data))[Symbol.asyncDispose]();
    const { sizeBytes } = backupControlPlane(data, backup);
    truncateSync(join(backup, "controlplane.db"), Math.floor(sizeBytes / 2));
    assert.throws(() => restoreControlPlane(backup, restored), coded("STORE_DATABASE_CORRUPT"));
    assert.throws(() => statSync(restored), { code: "ENOENT" });
  });
});

function coded(code: string): (error: unknown) => boolean {
  return (error) => isSkerryError(error, code);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { partsDownloadFailed } from "../errors.ts";
import { fetchMissing } from "./fetch-missing.ts";

/** A machine whose archive has the packages `available`; any other name fails the whole attempt, as with apt. */
class Archive {
  readonly attempts: (readonly string[])[] = [];
  readonly #available: readonly string[];

  constructor(...available: readonly string[]) {
    this.#available = available;
  }

  readonly onDownload = (packages: readonly string[]): void => void this.attempts.push(packages);

  readonly unpack = async (packages: readonly string[]): Promise<void> => {
    const unknown = packages.filter((name) => !this.#available.includes(name));
    if (unknown.length > 0) throw partsDownloadFailed(packages, `no ${unknown.join()}`);
  };
}

test("all packages are fetched together when the archive has them", async () => {
  const archive = new Archive("containerd", "runc", "mosquitto");
  assert.equal(await fetchMissing(["containerd", "runc"], ["mosquitto"], archive), undefined);
  assert.deepEqual(archive.attempts, [["containerd", "runc", "mosquitto"]]);
});

test("nothing is attempted when nothing is missing", async () => {
  const archive = new Archive();
  assert.equal(await fetchMissing([], [], archive), undefined);
  assert.deepEqual(archive.attempts, []);
});

test("a Mosquitto that cannot be had is told, and the required packages are fetched without it", async () => {
  const archive = new Archive("containerd");
  assert.match(String(await fetchMissing(["containerd"], ["mosquitto"], archive)), /no mosquitto/);
  assert.deepEqual(archive.attempts, [["containerd", "mosquitto"], ["containerd"]]);
});

test("a Mosquitto that alone is missing and cannot be had is told", async () => {
  assert.match(String(await fetchMissing([], ["mosquitto"], new Archive())), /no mosquitto/);
});

test("a required package that cannot be had is thrown, with or without Mosquitto", async () => {
  const failed = (error: unknown): boolean => isSkerryError(error, "SKERRY_PARTS_DOWNLOAD_FAILED");
  await assert.rejects(fetchMissing(["runc"], ["mosquitto"], new Archive("mosquitto")), failed);
  await assert.rejects(fetchMissing(["runc"], [], new Archive()), failed);
});

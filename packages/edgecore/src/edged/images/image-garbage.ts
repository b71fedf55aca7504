import type { ObjectReference } from "@skerry/api";
import { describeError } from "@skerry/base";
import type { HostPressure, RuntimeImage } from "../ports.ts";
import type { PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";

/** The kubelet's period. */
const PERIOD_MS = 5 * 60_000;
const RETRY = { initialMs: 30_000, maximumMs: PERIOD_MS };

/** So close to the threshold it begins to count how long images are there. */
const WATCHED_SHARE = 0.1;

type ImagePorts = Pick<PodServices, "host" | "runtime" | "clock" | "random" | "logger" | "config" | "recorder">;

interface Sighting {
  readonly firstMs: number;
  usedMs: number;
}

/**
 * Removes images that nothing uses when the disk that they are on fills up: those unused for longest first, never a
 * pinned one, never one that a stored pod names, whether it runs or not: offline it could not be fetched again.
 */
export class ImageGarbage implements AsyncDisposable {
  readonly #ports: ImagePorts;
  readonly #namedImages: () => ReadonlySet<string>;
  readonly #node: ObjectReference;
  readonly #loop: SyncLoop;
  /** By image id, on the monotonic clock; as many as there are images. */
  #sightings = new Map<string, Sighting>();

  /** @param namedImages images as the pods of the store name them */
  constructor(ports: ImagePorts, namedImages: () => ReadonlySet<string>) {
    this.#ports = ports;
    this.#namedImages = namedImages;
    const { nodeName } = ports.config;
    this.#node = { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName };
    this.#loop = new SyncLoop(ports, "Removing unused images", RETRY, async () => {
      await this.#collect();
      return PERIOD_MS;
    });
  }

  start(): void {
    this.#loop.wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loop[Symbol.asyncDispose]();
  }

  /** Removes all that nothing uses, whatever its age: the disk is short. */
  async reclaimUnused(): Promise<void> {
    await this.#removeOldest(await this.#unused(), Number.POSITIVE_INFINITY);
  }

  async #collect(): Promise<void> {
    const { host, runtime, clock, recorder, logger } = this.#ports;
    const { highShare, lowShare, minimumAgeMs, maximumAgeMs } = this.#ports.config.imageGarbage;
    const path = await runtime.imageFileSystemPath();
    if (path === undefined) return;
    const before = await host.pressure(path);
    // As long as nothing is to be removed soon, nobody is asked what there is.
    if (maximumAgeMs === undefined && usedShare(before) < highShare - WATCHED_SHARE) return;
    const nowMs = clock.monotonicMs();
    const unused = await this.#unused();
    if (maximumAgeMs !== undefined)
      await this.#removeOldest(
        unused.filter(({ sighting }) => nowMs - sighting.usedMs > maximumAgeMs),
        Number.POSITIVE_INFINITY,
      );
    const pressure = await host.pressure(path);
    if (usedShare(pressure) < highShare) return;
    const { diskTotalBytes, diskAvailableBytes } = pressure;
    const wantedBytes = Math.ceil(diskTotalBytes * (1 - lowShare)) - diskAvailableBytes;
    const oldEnough = unused.filter(
      ({ image, sighting }) => this.#sightings.has(image.id) && nowMs - sighting.firstMs >= minimumAgeMs,
    );
    const freedBytes = await this.#removeOldest(oldEnough, wantedBytes);
    if (freedBytes >= wantedBytes) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wantedBytes} bytes, but only found ${freedBytes} bytes eligible to free.`;
    logger.warn("The disk is filling up, and there are not enough unused images", { wantedBytes, freedBytes });
    recorder.record(this.#node, "Warning", "FreeDiskSpaceFailed", message);
  }

  /** Oldest use first. */
  async #unused(): Promise<{ readonly image: RuntimeImage; readonly sighting: Sighting }[]> {
    const { runtime, clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
    const used = new Set(containers.map(({ imageId }) => imageId));
    for (const name of this.#namedImages()) {
      const image = await runtime.findImage(name);
      if (image) used.add(image.id);
    }
    const sightings = new Map<string, Sighting>();
    for (const { id } of images) {
      const sighting = this.#sightings.get(id) ?? { firstMs: nowMs, usedMs: nowMs };
      if (used.has(id)) sighting.usedMs = nowMs;
      sightings.set(id, sighting);
    }
    this.#sightings = sightings;
    return images
      .filter(({ id, pinned }) => !pinned && !used.has(id))
      .map((image) => ({ image, sighting: sightings.get(image.id) ?? { firstMs: nowMs, usedMs: nowMs } }))
      .sort((left, right) => left.sighting.usedMs - right.sighting.usedMs);
  }

  /** Returns how many bytes that freed. */
  async #removeOldest(candidates: readonly { readonly image: RuntimeImage }[], wantedBytes: number): Promise<number> {
    const { runtime, logger } = this.#ports;
    let freedBytes = 0;
    for (const { image } of candidates) {
      if (freedBytes >= wantedBytes) break;
      try {
        await runtime.removeImage(image.id);
      } catch (error) {
        logger.warn("An unused image could not be removed", { image: image.id, error: describeError(error) });
        continue;
      }
      this.#sightings.delete(image.id);
      freedBytes += image.sizeBytes;
      logger.info("An unused image was removed", { image: image.repoTags[0] ?? image.id, bytes: image.sizeBytes });
    }
    return freedBytes;
  }
}

function usedShare({ diskTotalBytes, diskAvailableBytes }: HostPressure): number {
  return diskTotalBytes === 0 ? 0 : 1 - diskAvailableBytes / diskTotalBytes;
}

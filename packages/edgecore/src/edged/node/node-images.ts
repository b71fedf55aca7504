import type { NodeStatus } from "@skerry/api";
import { type Clock, describeError, type Logger } from "@skerry/base";
import type { ContainerRuntime, ListedImage } from "../ports.ts";

type ReportedImages = NonNullable<NodeStatus["images"]>;

/** The runtime is asked at most this often: a list of images is nothing that anybody waits for. */
const PERIOD_MS = 60_000;
/** As many as the kubelet tells of one image. */
const NAMES_LIMIT = 5;

interface NodeImagesPorts {
  readonly runtime: Pick<ContainerRuntime, "listImages">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The images that are on the node, for its status. */
export class NodeImages {
  readonly #ports: NodeImagesPorts;
  readonly #limit: number | undefined;
  #listed: ReportedImages | undefined;
  #dueMs = Number.NEGATIVE_INFINITY;

  /** @param limit so many, the largest first; undefined: all */
  constructor(ports: NodeImagesPorts, limit: number | undefined) {
    this.#ports = ports;
    this.#limit = limit;
  }

  /** None when the node does not tell, so that those it told before go; undefined as long as the runtime never said. */
  async list(): Promise<ReportedImages | undefined> {
    const { runtime, clock, logger } = this.#ports;
    if (this.#limit === 0) return [];
    if (clock.monotonicMs() < this.#dueMs) return this.#listed;
    try {
      this.#listed = reportedImages(await runtime.listImages(), this.#limit);
      this.#dueMs = clock.monotonicMs() + PERIOD_MS;
    } catch (error) {
      logger.debug("The images of the node could not be listed", { error: describeError(error) });
    }
    return this.#listed;
  }
}

function reportedImages(images: readonly ListedImage[], limit: number | undefined): ReportedImages {
  return [...images]
    .sort((left, right) => right.sizeBytes - left.sizeBytes || (left.id < right.id ? -1 : 1))
    .slice(0, limit)
    .map(({ repoDigests, repoTags, sizeBytes }) => ({
      names: [...repoDigests, ...repoTags].slice(0, NAMES_LIMIT),
      sizeBytes,
    }));
}

import type { Container } from "@skerry/api";
import type { Clock } from "@skerry/base";
import type { CloudLink } from "../../edgehub/cloud-link.ts";
import { imageUnavailable, plainMessage } from "../errors.ts";
import type { EventType } from "../events.ts";
import type { ContainerRuntime, NetworkCheck, RegistryCredentials, RuntimeImage } from "../ports.ts";
import { ImagePulls, type PullNotice } from "./image-pulls.ts";
import { defaultPullPolicy, isImageReference, registryOf } from "./image-reference.ts";

/** A registry that does not even take a TCP connection within this time is away. */
const REGISTRY_CHECK_TIMEOUT_MS = 2000;
/** A registry found away is not asked again for this long when the image is present. */
const REGISTRY_AWAY_MS = 60_000;
const REMEMBERED_REGISTRIES = 50;

/** Says what happened to the image: Events about the container. */
export interface ImageNotices {
  readonly tell: (type: EventType, reason: string, message: string) => void;
  /** How a pull that takes long gets on. */
  readonly progress: PullNotice;
}

type ImageNotice = ImageNotices["tell"];

/**
 * Brings images onto the node. Where KubeEdge fails, `Always` is satisfied by a present image when the registry cannot
 * be reached, so that a restart never waits for the network (I10); an Event says so.
 */
export class ImageProvider {
  readonly #runtime: ContainerRuntime;
  readonly #network: NetworkCheck;
  readonly #cloudLink: CloudLink;
  readonly #clock: Clock;
  readonly #pulls: ImagePulls;
  readonly #registriesAwayUntil = new Map<string, number>();

  constructor(
    runtime: ContainerRuntime,
    network: NetworkCheck,
    cloudLink: CloudLink,
    clock: Clock,
    pullsAtOnce: number,
  ) {
    this.#runtime = runtime;
    this.#network = network;
    this.#cloudLink = cloudLink;
    this.#clock = clock;
    this.#pulls = new ImagePulls(runtime, clock, pullsAtOnce);
  }

  /**
   * The image, pulled if the policy wants it.
   * @throws `EDGED_IMAGE_UNAVAILABLE`
   */
  async provide(
    container: Container,
    credentials: () => Promise<RegistryCredentials | undefined>,
    { tell: notice, progress }: ImageNotices,
    signal: AbortSignal,
  ): Promise<RuntimeImage> {
    const image = container.image ?? "";
    if (!isImageReference(image))
      throw imageUnavailable(
        "InvalidImageName",
        `Failed to apply default image tag "${image}": invalid reference format`,
      );
    const policy = container.imagePullPolicy ?? defaultPullPolicy(image);
    const present = await this.#runtime.findImage(image);
    if (present && policy !== "Always") {
      notice("Normal", "Pulled", `Container image "${image}" already present on machine`);
      return present;
    }
    if (policy === "Never")
      throw imageUnavailable(
        "ErrImageNeverPull",
        `Container image "${image}" is not present with pull policy of Never`,
      );
    if (present) {
      const away = await this.#whyRegistryAway(image);
      if (away !== undefined) return this.#useStale(image, present, away, notice);
    }
    notice("Normal", "Pulling", `Pulling image "${image}"`);
    const startedMs = this.#clock.monotonicMs();
    try {
      const pull = async (): Promise<string> => this.#runtime.pullImage(image, await credentials(), signal);
      await this.#pulls.run(image, pull, progress, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (present) return this.#useStale(image, present, plainMessage(error), notice);
      throw imageUnavailable("ErrImagePull", plainMessage(error), error);
    }
    const pulled = await this.#runtime.findImage(image);
    if (!pulled) throw imageUnavailable("ErrImagePull", `Image "${image}" is gone right after it was pulled`);
    const seconds = ((this.#clock.monotonicMs() - startedMs) / 1000).toFixed(3);
    notice(
      "Normal",
      "Pulled",
      `Successfully pulled image "${image}" in ${seconds}s. Image size: ${pulled.sizeBytes} bytes.`,
    );
    return pulled;
  }

  #useStale(image: string, present: RuntimeImage, why: string, notice: ImageNotice): RuntimeImage {
    notice(
      "Warning",
      "PresentImageUsed",
      `Could not check for a newer "${image}" (${why}); the container starts with the image present on the machine`,
    );
    return present;
  }

  /** Why the registry need not even be tried; undefined when it should be. */
  async #whyRegistryAway(image: string): Promise<string | undefined> {
    if (this.#cloudLink.state.kind !== "connected") return "the node is offline";
    const { host, port } = registryOf(image);
    const key = `${host}:${port}`;
    const nowMs = this.#clock.monotonicMs();
    if ((this.#registriesAwayUntil.get(key) ?? 0) > nowMs) return `the registry ${host} did not answer a moment ago`;
    try {
      await this.#network.tcpConnect(host, port, REGISTRY_CHECK_TIMEOUT_MS);
      this.#registriesAwayUntil.delete(key);
      return undefined;
    } catch (error) {
      if (this.#registriesAwayUntil.size >= REMEMBERED_REGISTRIES) this.#registriesAwayUntil.clear();
      this.#registriesAwayUntil.set(key, this.#clock.monotonicMs() + REGISTRY_AWAY_MS);
      return `the registry ${host} cannot be reached: ${plainMessage(error)}`;
    }
  }
}

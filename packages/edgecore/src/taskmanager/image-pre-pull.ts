import type { ImageStatus, Secret } from "@skerry/api";
import { type Clock, describeError, isJsonObject, type JsonObject, sleep } from "@skerry/base";
import {
  type ContainerRuntime,
  isImageReference,
  type RegistryCredentials,
  registryCredentials,
} from "../edged/index.ts";
import { noRuntime, reasonOf, specInvalid } from "./errors.ts";
import { checkMachine, type MachineLoad } from "./machine-check.ts";
import type { StepOutcome, Steps } from "./steps.ts";

/** What pulling images ahead needs. */
export interface ImagePrePullPorts {
  /** Undefined where Edged is switched off. */
  readonly runtime: ContainerRuntime | undefined;
  readonly load: MachineLoad;
  /** A Secret, from the cloud if need be. */
  readonly secret: (namespace: string, name: string, signal: AbortSignal) => Promise<Secret>;
  readonly clock: Clock;
}

const IMAGE_LIMIT = 200;
const RETRY_LIMIT = 100;
/** As in KubeEdge. */
const BETWEEN_ROUNDS_MS = 500;

/**
 * The steps of an ImagePrePullJob. A round tries all images that are still missing, so that one that cannot be had does
 * not keep the others back.
 */
export function imagePrePullSteps(ports: ImagePrePullPorts): Steps {
  return {
    Check: ({ spec }) => checkMachine(templateOf(spec)["checkItems"], ports.load),
    Pull: ({ spec, signal }) => pull(templateOf(spec), signal, ports),
  };
}

async function pull(template: JsonObject, signal: AbortSignal, ports: ImagePrePullPorts): Promise<StepOutcome> {
  const { runtime, clock } = ports;
  if (!runtime) return { kind: "failed", reason: reasonOf(noRuntime()) };
  const images = imagesOf(template);
  if (typeof images === "string") return { kind: "failed", reason: reasonOf(specInvalid(images)) };
  const credentials = await credentialsFor(template["imageSecrets"], signal, ports);
  if (typeof credentials === "string") return { kind: "failed", reason: credentials };
  const statuses = new Map<string, ImageStatus>();
  const rounds = 1 + Math.min(RETRY_LIMIT, Math.max(0, Number(template["retryTimes"] ?? 0) || 0));
  for (let round = 1; round <= rounds; round++) {
    for (const image of images)
      if (statuses.get(image)?.status !== "True")
        statuses.set(image, await pullOne(runtime, image, credentials(image), signal));
    if (images.every((image) => statuses.get(image)?.status === "True")) break;
    if (round < rounds) await sleep(clock, BETWEEN_ROUNDS_MS, signal);
  }
  const results = images.map((image): ImageStatus => statuses.get(image) ?? { image, status: "False" });
  const failed = results.filter(({ status }) => status === "False");
  const extend = JSON.stringify(results);
  if (failed.length === 0) return { kind: "done", extend };
  const reason = `${failed.length} of ${results.length} images could not be pulled: ${failed[0]?.reason ?? ""}`;
  return { kind: "failed", reason, extend };
}

/** An image that is on the node already counts when its registry cannot give a newer one. */
async function pullOne(
  runtime: ContainerRuntime,
  image: string,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
): Promise<ImageStatus> {
  try {
    if (image.includes("@") && (await runtime.findImage(image))) return { image, status: "True" };
    await runtime.pullImage(image, credentials, signal);
    return { image, status: "True" };
  } catch (error) {
    signal.throwIfAborted();
    const why = describeError(error).slice(0, 400);
    const present = await runtime.findImage(image).catch(() => undefined);
    if (present) return { image, status: "True", reason: `the one on the node stays, its registry gave none: ${why}` };
    return { image, status: "False", reason: why };
  }
}

function templateOf(spec: JsonObject): JsonObject {
  const template = spec["imagePrePullTemplate"];
  return isJsonObject(template) ? template : {};
}

/** A text says what is wrong with them. */
function imagesOf(template: JsonObject): readonly string[] | string {
  const { images } = template;
  if (!Array.isArray(images) || images.length === 0) return "images must name at least one image";
  if (images.length > IMAGE_LIMIT) return `images names ${images.length} images; one job can name ${IMAGE_LIMIT}`;
  const names = [...new Set(images)].map((image) => (typeof image === "string" ? image : ""));
  const wrong = names.find((image) => !isImageReference(image));
  return wrong === undefined ? names : `${JSON.stringify(wrong.slice(0, 100))} is no image`;
}

/** A text says why there are none. */
async function credentialsFor(
  imageSecrets: unknown,
  signal: AbortSignal,
  ports: ImagePrePullPorts,
): Promise<((image: string) => RegistryCredentials | undefined) | string> {
  if (imageSecrets === undefined || imageSecrets === null || imageSecrets === "") return () => undefined;
  const [namespace = "", name = "", ...rest] = String(imageSecrets).split("/");
  if (namespace === "" || name === "" || rest.length > 0)
    return reasonOf(specInvalid("imageSecrets must be <namespace>/<name> of a Secret"));
  try {
    const secret = await ports.secret(namespace, name, signal);
    return (image) => registryCredentials(secret, image);
  } catch (error) {
    signal.throwIfAborted();
    return `the Secret ${namespace}/${name} cannot be had: ${describeError(error)}`;
  }
}

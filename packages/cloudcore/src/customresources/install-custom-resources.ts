import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  kubeEdgeDefinitions,
  managedByLabel,
} from "@skerry/api";
import { type Clock, type JsonValue, type Logger, sleep } from "@skerry/base";
import { isApiError, jsonEqual, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import { definitionNotEstablished, definitionUnusable } from "./errors.ts";

/** What {@link installCustomResources} needs. */
export interface InstallOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

const POLL_INTERVAL_MS = 100;
const ESTABLISH_TIMEOUT_MS = 30_000;

/**
 * Brings the definitions that CloudCore needs into the API server and waits until they are served. Those that somebody
 * else installed (KubeEdge's chart) stay as they are, as long as they serve the version that Skerry speaks.
 * @throws SkerryError `CLOUDCORE_DEFINITION_UNUSABLE`, `CLOUDCORE_DEFINITION_NOT_ESTABLISHED`
 */
export async function installCustomResources(options: InstallOptions): Promise<void> {
  for (const definition of kubeEdgeDefinitions) await install(definition, options);
  for (const definition of kubeEdgeDefinitions) await untilEstablished(definition, options);
}

async function install(definition: CustomResourceDefinition, { api, logger }: InstallOptions): Promise<void> {
  const { name } = definition.metadata;
  try {
    await api.create<CustomResourceDefinition>({ resource: customResourceDefinitions }, definition);
    logger.info("Installed a custom resource", { name });
    return;
  } catch (error) {
    if (!isApiError(error, "AlreadyExists")) throw error;
  }
  const existing = await api.get<CustomResourceDefinition>(targetOf(name));
  if (existing.metadata.labels?.[managedByLabel] !== definition.metadata.labels?.[managedByLabel]) {
    const wanted = definition.spec.versions[0]?.name ?? "";
    const serves = existing.spec.versions.some((version) => version.name === wanted && version.served);
    if (!serves) throw definitionUnusable(name, wanted);
    return;
  }
  // Further versions are the user's, e.g. an older one that CloudCore converts.
  const own = new Set(definition.spec.versions.map((version) => version.name));
  const further = existing.spec.versions.filter((version) => !own.has(version.name) && !version.storage);
  const versions = [...definition.spec.versions, ...further];
  if (jsonEqual(asJson(existing.spec.versions), asJson(versions))) return;
  await api.patch(targetOf(name), { type: "merge", body: { spec: asJson({ ...definition.spec, versions }) } });
  logger.info("Updated a custom resource", { name });
}

async function untilEstablished(definition: CustomResourceDefinition, options: InstallOptions): Promise<void> {
  const { api, clock, signal } = options;
  const { name } = definition.metadata;
  const deadlineMs = clock.monotonicMs() + ESTABLISH_TIMEOUT_MS;
  for (;;) {
    const { status } = await api.get<CustomResourceDefinition>(targetOf(name), signal);
    const conditions = status?.conditions ?? [];
    if (conditions.some((condition) => condition.type === "Established" && condition.status === "True")) return;
    if (clock.monotonicMs() >= deadlineMs) {
      const refused = conditions.find((condition) => condition.status === "False");
      throw definitionNotEstablished(name, refused?.message ?? "no condition says why", ESTABLISH_TIMEOUT_MS);
    }
    await sleep(clock, POLL_INTERVAL_MS, signal);
  }
}

function targetOf(name: string): ObjectTarget {
  return { resource: customResourceDefinitions, name };
}

/** Manifests are JSON by construction. */
function asJson(value: object): JsonValue {
  return value as unknown as JsonValue;
}

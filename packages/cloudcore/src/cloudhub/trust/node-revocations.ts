import { configMaps, type KubernetesObject, type ObjectMeta } from "@skerry/api";
import {
  type Clock,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  Listeners,
  type Logger,
  type Random,
} from "@skerry/base";
import { Informer, isApiError, type KubernetesApi } from "@skerry/kube";
import { SYSTEM_NAMESPACE } from "../credentials/secrets.ts";
import { revocationBusy, revocationLimitReached } from "../errors.ts";

interface ConfigMap extends KubernetesObject {
  metadata: ObjectMeta;
  data?: Record<string, string>;
}

/** A node that was put out. */
export interface NodeRevocation {
  readonly nodeName: string;
  /** Certificates whose time begins at this or before, and tokens made until then, are worthless. Wall clock, ms. */
  readonly cutoffMs: number;
  readonly reason?: string;
}

/** One entry a node: `{"revokedAt": …, "reason": …}`. */
const CONFIG_MAP = { resource: configMaps, namespace: SYSTEM_NAMESPACE, name: "skerry-revoked-nodes" };
/** A ConfigMap holds a mebibyte. */
const MAX_REVOCATIONS = 2_000;
const MAX_REASON_LENGTH = 200;
const TRIES = 10;

/** All revocations that are stored. @throws ApiError */
export async function listRevocations(api: KubernetesApi): Promise<readonly NodeRevocation[]> {
  const stored = await read(api);
  return stored ? revocationsOf(stored) : [];
}

/**
 * Puts a node out: its certificates and the tokens for it are worthless from now on. A second time moves the moment.
 * @throws SkerryError `CLOUDHUB_REVOCATION_LIMIT`, `CLOUDHUB_REVOCATION_BUSY`; ApiError
 */
export async function revokeNode(
  api: KubernetesApi,
  nodeName: string,
  options: { readonly nowMs: number; readonly reason?: string | undefined },
): Promise<void> {
  const { nowMs, reason } = options;
  const text = reason?.slice(0, MAX_REASON_LENGTH);
  const entry = JSON.stringify({ revokedAt: new Date(nowMs).toISOString(), ...(text ? { reason: text } : {}) });
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const stored = await read(api);
    const data = { ...stored?.data, [nodeName]: entry };
    if (Object.keys(data).length > MAX_REVOCATIONS) throw revocationLimitReached(MAX_REVOCATIONS);
    try {
      if (stored) await api.update(CONFIG_MAP, { ...stored, data });
      else await api.create(CONFIG_MAP, configMapOf(data));
      return;
    } catch (error) {
      if (!isApiError(error, "Conflict") && !isApiError(error, "AlreadyExists")) throw error;
    }
  }
  throw revocationBusy(nodeName);
}

export interface NodeRevocationsOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The revocations as a CloudCore follows them. */
export class NodeRevocations implements AsyncDisposable {
  readonly #informer: Informer<ConfigMap>;
  readonly #listeners: Listeners<NodeRevocation>;
  #known: ReadonlyMap<string, NodeRevocation> = new Map();

  constructor({ api, clock, random, logger }: NodeRevocationsOptions) {
    this.#listeners = new Listeners(() => logger.error("A listener failed on a revocation"));
    this.#informer = new Informer<ConfigMap>({
      api,
      clock,
      random,
      logger,
      target: { resource: configMaps, namespace: SYSTEM_NAMESPACE },
      fieldSelector: `metadata.name=${CONFIG_MAP.name}`,
      retry: { initialMs: 200, maximumMs: 4_000 },
    });
    // A ConfigMap that is gone takes nothing back until CloudCore starts anew: deleting it is no way of trusting again.
    this.#informer.listen((event) => {
      if (event.type !== "deleted") this.#take(event.object);
    });
  }

  /** Resolves when all revocations are known: no node is let in before. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#informer.start();
    await this.#informer.whenSynced(signal);
  }

  get(nodeName: string): NodeRevocation | undefined {
    return this.#known.get(nodeName);
  }

  /** Calls back for each node that is put out, those known before included when their moment moves. */
  onRevoked(listener: (revocation: NodeRevocation) => void): Disposable {
    return this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#informer[Symbol.asyncDispose]();
  }

  #take(object: ConfigMap): void {
    const before = this.#known;
    const revocations = revocationsOf(object);
    this.#known = new Map(revocations.map((revocation) => [revocation.nodeName, revocation]));
    for (const revocation of revocations)
      if (before.get(revocation.nodeName)?.cutoffMs !== revocation.cutoffMs) this.#listeners.emit(revocation);
  }
}

async function read(api: KubernetesApi): Promise<ConfigMap | undefined> {
  try {
    return await api.get<ConfigMap>(CONFIG_MAP);
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

function configMapOf(data: Record<string, string>): ConfigMap {
  const { name, namespace } = CONFIG_MAP;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}

function revocationsOf({ data }: ConfigMap): readonly NodeRevocation[] {
  return Object.entries(data ?? {}).map(([nodeName, text]) => {
    const { revokedAt, reason } = jsonObject(text);
    const cutoffMs = typeof revokedAt === "string" ? Date.parse(revokedAt) : Number.NaN;
    return {
      nodeName,
      // An entry that cannot be read is no reason to trust: it puts out for good.
      cutoffMs: Number.isNaN(cutoffMs) ? Number.POSITIVE_INFINITY : cutoffMs,
      ...(typeof reason === "string" ? { reason } : {}),
    };
  });
}

function jsonObject(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

import {
  customResourceDefinitions,
  type KubernetesObject,
  kubeEdgeDefinitions,
  namespaces,
  type ObjectList,
  type Status,
  serviceAccounts,
} from "@skerry/api";
import { type Clock, describeError, type JsonObject, type Logger } from "@skerry/base";
import { createApiServer, storeMigrations, type TokenSigner } from "@skerry/controlplane";
import {
  type CollectionTarget,
  type DeleteOptions,
  isApiError,
  type KubernetesApi,
  type ListOptions,
  type ObjectTarget,
  type Patch,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "@skerry/kube";
import type { Database } from "@skerry/store";
import { WasmSqlEngine } from "../sqlite/wasm-sql-engine.ts";
import type { WasmSqlite } from "../sqlite/wasm-sqlite.ts";
import type { ApiRecord } from "./api-record.ts";
import { CrashPoints } from "./crash-points.ts";
import { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { type TrueApi, unreachable } from "./true-api.ts";

const FILE = "controlplane.db";
const NAMESPACE = "kubeedge";
const SUPERVISOR_MS = 1000;
/** Why a watch ends: normally, as servers end them now and then. */
const CLOSED = new Error("the API server has closed the watch");

/** What an embedded API server stands on. */
export interface EmbeddedApiServerOptions {
  readonly sqlite: WasmSqlite;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly logger: Logger;
  /** Hears of each change that is on the disk. */
  readonly record: ApiRecord;
}

interface Running {
  readonly life: ProcessLife;
  /** Of callers that wait for an answer. */
  readonly calls: Set<() => void>;
  readonly watches: Set<AbortController>;
  database: Database | undefined;
  api: KubernetesApi | undefined;
}

/**
 * The embedded control plane's API server of production code on a disk that loses what was not synced. Killed or without
 * power it answers nobody until it is started again; who waited for an answer does not learn what became of the call.
 */
export class EmbeddedApiServer implements TrueApi {
  readonly crashPoints: CrashPoints;
  readonly #options: EmbeddedApiServerOptions;
  readonly #engine: WasmSqlEngine;
  readonly #disk: SimulatedDisk;
  #running: Running | undefined;
  /** Up to here the record has the changes. */
  #recorded = 0;
  #backup: { readonly revision: number; hasPassed: boolean } | undefined;

  constructor(options: EmbeddedApiServerOptions) {
    this.#options = options;
    const { clock, random, sqlite } = options;
    this.crashPoints = new CrashPoints(clock);
    this.#engine = new WasmSqlEngine(sqlite, "apiserver", random.fork());
    this.#disk = new SimulatedDisk({
      ...{ engine: this.#engine, clock, random: random.fork(), crashPoints: this.crashPoints },
      onCommit: () => this.#recordChanges(),
    });
  }

  /** Whether it has a process, which may be starting. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Whether it answers. */
  get isUp(): boolean {
    return this.#running?.api !== undefined;
  }

  get resourceVersion(): string {
    return String(this.#counter("revision"));
  }

  /** Starts a process, which takes its time. */
  start(): void {
    if (this.#running) return;
    const { clock, random, logger } = this.#options;
    const life = new ProcessLife(clock);
    const running: Running = { life, calls: new Set(), watches: new Set(), database: undefined, api: undefined };
    this.#running = running;
    life.whileAlive(this.#boot(running, random.fork())).catch((error: unknown) => {
      logger.warn("The API server did not start; its supervisor tries again", { error: describeError(error) });
      this.#end();
      clock.setTimer(SUPERVISOR_MS, () => this.start());
    });
  }

  /** As `kill -9`. */
  kill(): void {
    if (!this.#running) return;
    this.#end();
    this.#disk.closeAll();
  }

  /** As a power cut. */
  losePower(): void {
    this.#end();
    this.#disk.losePower();
  }

  compact(): void {
    void this.#running?.database?.transaction((transaction) => {
      const revision = Number(transaction.first("SELECT value FROM counter WHERE name = 'revision'")?.["value"]);
      transaction.run("DELETE FROM change WHERE revision <= ?", revision);
      transaction.run("UPDATE counter SET value = ? WHERE name = 'compacted'", revision);
    });
  }

  closeWatches(): void {
    for (const watch of this.#running?.watches ?? []) watch.abort(CLOSED);
  }

  backUp(versionsPassed: number): void {
    this.#backup = undefined;
    const database = this.isUp ? this.#running?.database : undefined;
    if (!database) return;
    this.#disk.backUp(FILE);
    const backup = { revision: Number(this.resourceVersion), hasPassed: false };
    this.#backup = backup;
    const pass = "UPDATE counter SET value = value + ? WHERE name = 'revision'";
    void database
      .transaction((transaction) => transaction.run(pass, versionsPassed))
      .then(() => {
        backup.hasPassed = true;
      });
  }

  restore(): boolean {
    if (!this.#backup?.hasPassed) return false;
    this.kill();
    if (!this.#disk.restore(FILE)) return false;
    this.#recorded = this.#backup.revision;
    this.#backup = undefined;
    this.start();
    return true;
  }

  destroy(): void {
    this.#end();
    this.#disk.destroy();
  }

  get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T> {
    return this.#call((api) => api.get<T>(target, signal));
  }

  list<T extends KubernetesObject>(target: CollectionTarget, options?: ListOptions): Promise<ObjectList<T>> {
    return this.#call((api) => api.list<T>(target, options));
  }

  create<T extends KubernetesObject>(target: CollectionTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#call((api) => api.create(target, object, options));
  }

  createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#call((api) => api.createSubresource<T>(target, object, options));
  }

  update<T extends KubernetesObject>(target: ObjectTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#call((api) => api.update(target, object, options));
  }

  patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.#call((api) => api.patch<T>(target, patch, options));
  }

  delete(target: ObjectTarget, options?: DeleteOptions): Promise<KubernetesObject | Status> {
    return this.#call((api) => api.delete(target, options));
  }

  async *watch<T extends KubernetesObject>(
    target: CollectionTarget,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const running = this.#running;
    if (!running?.api) throw unreachable();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    running.watches.add(stop);
    try {
      yield* running.api.watch<T>(target, { ...options, signal: stop.signal });
    } catch (error) {
      if (stop.signal.reason !== CLOSED) throw error;
    } finally {
      running.watches.delete(stop);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  #call<T>(call: (api: KubernetesApi) => Promise<T>): Promise<T> {
    const running = this.#running;
    if (!running?.api) return Promise.reject(unreachable());
    const work = call(running.api);
    return new Promise((resolve, reject) => {
      const onDeath = (): void => reject(unreachable());
      running.calls.add(onDeath);
      running.life.whileAlive(work.finally(() => running.calls.delete(onDeath))).then(resolve, reject);
    });
  }

  async #boot(running: Running, random: SeededRandom): Promise<void> {
    const { logger } = this.#options;
    const { life } = running;
    const database = await this.#disk.open(FILE, storeMigrations);
    this.#recordChanges();
    const server = await createApiServer({
      ...{ database, signer: SIGNER, clock: life.clock, random, logger: logger.child("apiserver") },
      serverAddress: () => "127.0.0.1:6443",
    });
    await prepareCluster(server.api);
    if (!life.alive) return;
    running.database = database;
    running.api = server.api;
  }

  #end(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.life.kill();
    for (const onDeath of running?.calls ?? []) onDeath();
    for (const watch of running?.watches ?? []) watch.abort(unreachable());
  }

  /** What is on the disk is true, whoever has heard of it. */
  #recordChanges(): void {
    // Who dies in the middle of a commit takes for committed what is not.
    if (this.#engine.disk.isDead) return;
    const changes = this.#disk.inspect(FILE, (reader) =>
      reader.all("SELECT * FROM change WHERE revision > ? ORDER BY revision", this.#recorded),
    );
    for (const row of changes ?? []) {
      const revision = Number(row["revision"]);
      const after = row["type"] === "DELETED" ? undefined : (JSON.parse(String(row["data"])) as KubernetesObject);
      this.#options.record.add({ collection: String(row["resource"]), revision, after });
      this.#recorded = revision;
    }
  }

  #counter(name: string): number {
    const row = this.#disk.inspect(FILE, (reader) => reader.first("SELECT value FROM counter WHERE name = ?", name));
    return Number(row?.["value"] ?? 0);
  }
}

/** What an administrator and the controllers, which are not in the model, would have made. */
async function prepareCluster(api: KubernetesApi): Promise<void> {
  const made = async (target: CollectionTarget, object: KubernetesObject): Promise<void> => {
    try {
      await api.create(target, object);
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
  };
  await made({ resource: namespaces }, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  for (const definition of kubeEdgeDefinitions) await made({ resource: customResourceDefinitions }, definition);
  // Pods have no token: nobody makes the certificates that would come with it.
  const body = { automountServiceAccountToken: false };
  await api.patch({ resource: serviceAccounts, namespace: "default", name: "default" }, { type: "merge", body });
}

/** Nobody in the model shows a token to this API server. */
const SIGNER: TokenSigner = {
  sign: (claims: JsonObject) => JSON.stringify(claims),
  verify: () => undefined,
  publicKeys: () => ({ keys: [] }),
};

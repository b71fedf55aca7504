import type { KubernetesObject, Pod, PodSpec } from "@skerry/api";
import { type JsonObject, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { newMessage } from "@skerry/link";
import type { Database } from "@skerry/store";
import { SqliteDatabase } from "@skerry/store/platform";
import { MetaManager } from "../../metamanager/meta-manager.ts";
import { metaManagerMigrations } from "../../metamanager/migrations.ts";
import { type EdgedConfig, edgedConfig } from "../config.ts";
import type { DevicePluginPorts } from "../devices/device-plugins.ts";
import { deviceTables } from "../devices/device-tables.ts";
import { Edged } from "../edged.ts";
import { edgedTables } from "../edged-tables.ts";
import type { PodGroups } from "../ports.ts";
import type { ServiceNames } from "../services.ts";
import type { ManifestSource } from "../static/static-pods.ts";
import { sealedTokenTable } from "../volumes/sealed-tokens.ts";
import { FakeContainerRuntime } from "./fake-container-runtime.ts";
import { FakeFileSystem, FakeHost, FakeMounts, FakeNetworkCheck } from "./fake-machine.ts";
import { FakeUsage } from "./fake-usage.ts";
import { ScriptedCloudLink } from "./scripted-cloud-link.ts";
import { sealOfKey } from "./seal-of-key.ts";

/** What of the world is not as usual. */
export interface EdgedWorldOptions {
  /** @default true */
  readonly connected?: boolean;
  readonly config?: Partial<EdgedConfig>;
  readonly manifests?: ManifestSource;
  readonly devicePlugins?: DevicePluginPorts;
  readonly names?: ServiceNames;
  readonly podGroups?: PodGroups;
}

/** An edge with the real Edged, MetaManager and database; machine, runtime and cloud are the test's. */
export class EdgedWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom = new SeededRandom();
  readonly runtime: FakeContainerRuntime = new FakeContainerRuntime(this.clock, ["app:1"]);
  readonly files: FakeFileSystem = new FakeFileSystem();
  readonly mounts: FakeMounts = new FakeMounts();
  readonly host: FakeHost = new FakeHost();
  readonly network: FakeNetworkCheck = new FakeNetworkCheck();
  readonly usage: FakeUsage = new FakeUsage(this.clock);
  readonly cloud: ScriptedCloudLink;
  /** The node's private key; a test gives it another. */
  nodeKey: Uint8Array = new Uint8Array(32);
  readonly #database: Database = new SqliteDatabase({
    path: ":memory:",
    migrations: [...metaManagerMigrations, edgedTables, deviceTables, sealedTokenTable],
  });
  readonly #config: Partial<EdgedConfig>;
  readonly #machine: Pick<EdgedWorldOptions, "manifests" | "devicePlugins" | "names" | "podGroups">;
  #meta: MetaManager;
  #edged: Edged;
  #version = 0;

  constructor(options: EdgedWorldOptions = {}) {
    this.#config = options.config ?? {};
    const { manifests, devicePlugins, names, podGroups } = options;
    this.#machine = {
      ...(manifests ? { manifests } : {}),
      ...(devicePlugins ? { devicePlugins } : {}),
      ...(names ? { names } : {}),
      ...(podGroups ? { podGroups } : {}),
    };
    const ports = { clock: this.clock, random: this.random, logger: silentLogger };
    this.cloud = new ScriptedCloudLink(ports, options.connected ?? true);
    [this.#meta, this.#edged] = this.#build();
  }

  get meta(): MetaManager {
    return this.#meta;
  }

  get edged(): Edged {
    return this.#edged;
  }

  async start(): Promise<void> {
    await this.#meta.start();
    await this.#edged.start();
    await this.pass(0);
  }

  /** EdgeCore ends and starts again on the same database, files and runtime. */
  async restart(): Promise<void> {
    await this.#stop();
    [this.#meta, this.#edged] = this.#build();
    await this.start();
  }

  /** Lets time pass, and everything settle that became ready. */
  async pass(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
    for (let round = 0; round < 20; round++) await this.clock.advance(0);
  }

  /** The cloud sends an object. */
  async put(type: string, object: KubernetesObject): Promise<void> {
    await this.#deliver("update", type, object);
  }

  /** The cloud removes an object from the node. */
  async remove(type: string, name: string, namespace = "default"): Promise<void> {
    const object = this.#meta.get({ type, namespace, name });
    if (object) await this.#deliver("delete", type, this.#newer(object));
  }

  /** The cloud asks for a pod's end. */
  async requestDeletion(name: string, graceSeconds: number): Promise<void> {
    const stored = this.#meta.get<Pod>({ type: "pod", namespace: "default", name });
    if (!stored) return;
    const metadata = {
      ...stored.metadata,
      deletionTimestamp: new Date(this.clock.now()).toISOString(),
      deletionGracePeriodSeconds: graceSeconds,
    };
    await this.put("pod", this.#newer({ ...stored, metadata }));
  }

  /** A pod for this node; `uid` defaults to `uid-<name>`. */
  pod(name: string, spec: Partial<PodSpec> = {}, uid = `uid-${name}`): Pod {
    return this.#newer({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", uid },
      spec: { nodeName: "edge-1", containers: [{ name: "app", image: "app:1" }], ...spec },
    });
  }

  configMap(name: string, data: Record<string, string>): KubernetesObject {
    const configMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "default", uid: `cm-${name}` },
      data,
    };
    return this.#newer(configMap);
  }

  /** Phase in the newest status that reached the cloud. */
  phase(name: string): unknown {
    return this.cloud.podStatus("default", name)?.["phase"];
  }

  /** `True` or `False` of a condition in the newest status that reached the cloud. */
  condition(name: string, type: string): unknown {
    const conditions = (this.cloud.podStatus("default", name)?.["conditions"] ?? []) as JsonObject[];
    return conditions.find((condition) => condition["type"] === type)?.["status"];
  }

  /** The first container's status as it reached the cloud. */
  containerStatus(name: string): JsonObject {
    return ((this.cloud.podStatus("default", name)?.["containerStatuses"] ?? []) as JsonObject[])[0] ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#database[Symbol.asyncDispose]();
  }

  #build(): [MetaManager, Edged] {
    const ports = { clock: this.clock, random: this.random, logger: silentLogger, cloudLink: this.cloud };
    const meta = new MetaManager({ ...ports, database: this.#database });
    const edged = new Edged({
      ...ports,
      meta,
      runtime: this.runtime,
      fileSystem: this.files,
      mounts: this.mounts,
      host: this.host,
      usage: this.usage,
      network: this.network,
      seal: sealOfKey(() => this.nodeKey),
      ...this.#machine,
      config: edgedConfig({ nodeName: "edge-1", rootDirectory: "/edged", ...this.#config }),
    });
    return [meta, edged];
  }

  async #stop(): Promise<void> {
    const ended = this.#edged[Symbol.asyncDispose]();
    await this.pass(5000);
    await ended;
    await this.#meta[Symbol.asyncDispose]();
  }

  async #deliver(operation: string, type: string, object: KubernetesObject): Promise<void> {
    const resource = `${object.metadata.namespace ?? "null"}/${type}/${object.metadata.name}`;
    if (operation === "delete") this.cloud.objects.delete(resource);
    else this.cloud.objects.set(resource, object);
    const route = { source: "edgecontroller", group: "resource", operation, resource };
    await this.#meta.handle(newMessage(this, route, object as unknown as JsonObject));
    await this.pass(0);
  }

  #newer<T extends KubernetesObject>(object: T): T {
    // Room between two of the test's versions for those that the scripted cloud gives.
    this.#version += 1000;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }
}

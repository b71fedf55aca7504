import { join } from "node:path";
import type { Pod } from "@skerry/api";
import { type Clock, describeError, type Logger, type Random } from "@skerry/base";
import { manifestTooLarge } from "../errors.ts";
import type { FileSystem } from "../ports.ts";
import { SyncLoop } from "../sync-loop.ts";
import { staticPod } from "./static-pod.ts";

/** Where manifests come from. */
export interface ManifestSource {
  /** Absolute; one that does not exist holds none. */
  readonly folder: string;
  readonly checkPeriodMs: number;
  /** Reads YAML or JSON. */
  readonly parse: (text: string) => Promise<unknown>;
}

/** What {@link StaticPods} runs on. */
export interface StaticPodPorts {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeName: string;
}

const MANIFEST_LIMIT_BYTES = 256 * 1024;
/** Further files of the folder are left out, and told. */
const FILE_LIMIT = 200;
const RETRY = { initialMs: 1000, maximumMs: 20_000 };

interface KnownFile {
  readonly text: string;
  /** The pod of the file when it could last be read. */
  readonly pod: Pod | undefined;
}

/** The pods of the machine's own manifest folder, which run without any cloud. */
export class StaticPods implements AsyncDisposable {
  readonly #ports: StaticPodPorts;
  readonly #source: ManifestSource;
  readonly #onChange: (uids: ReadonlySet<string>) => void;
  readonly #loop: SyncLoop;
  #files = new Map<string, KnownFile>();
  #pods = new Map<string, Pod>();
  #isRead = false;

  /** @param onChange is told the UIDs of the pods that came or went */
  constructor(ports: StaticPodPorts, source: ManifestSource, onChange: (uids: ReadonlySet<string>) => void) {
    this.#ports = ports;
    this.#source = source;
    this.#onChange = onChange;
    this.#loop = new SyncLoop(ports, "Reading the folder of static pods", RETRY, async () => {
      await this.#read();
      return source.checkPeriodMs;
    });
  }

  /** Whether the folder has been read: until then nothing can be said of a pod that is not listed. */
  get isRead(): boolean {
    return this.#isRead;
  }

  get(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  list(): Pod[] {
    return [...this.#pods.values()];
  }

  /** Reads the folder for the first time; one that cannot be read is tried again in the background. */
  async start(): Promise<void> {
    await this.#read().catch(() => undefined);
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  async #read(): Promise<void> {
    const { fileSystem, logger } = this.#ports;
    const names = (await fileSystem.listDirectory(this.#source.folder)).filter((name) => !name.startsWith(".")).sort();
    if (names.length > FILE_LIMIT)
      logger.warn("There are too many static pods; the last ones are left out", { limit: FILE_LIMIT });
    const files = new Map<string, KnownFile>();
    for (const name of names.slice(0, FILE_LIMIT)) {
      const file = await this.#readFile(name);
      if (file) files.set(name, file);
    }
    const pods = new Map<string, Pod>();
    for (const { pod } of files.values()) if (pod?.metadata.uid) pods.set(pod.metadata.uid, pod);
    const before = this.#pods;
    this.#files = files;
    this.#pods = pods;
    this.#isRead = true;
    const changed = new Set([...pods.keys(), ...before.keys()].filter((uid) => pods.has(uid) !== before.has(uid)));
    if (changed.size > 0) this.#onChange(changed);
  }

  /** A file that cannot be read or understood keeps its pod: it may be half written. */
  async #readFile(name: string): Promise<KnownFile | undefined> {
    const { fileSystem, logger, nodeName } = this.#ports;
    const path = join(this.#source.folder, name);
    const known = this.#files.get(name);
    let text = "";
    try {
      if ((await fileSystem.status((await fileSystem.realPath(path)) ?? path))?.kind !== "file") return undefined;
      const bytes = await fileSystem.readFile(path, MANIFEST_LIMIT_BYTES + 1);
      if (!bytes) return undefined;
      if (bytes.length > MANIFEST_LIMIT_BYTES) throw manifestTooLarge(name, MANIFEST_LIMIT_BYTES);
      text = new TextDecoder().decode(bytes);
      if (text === known?.text) return known;
      return { text, pod: staticPod(await this.#source.parse(text), text, name, nodeName) };
    } catch (error) {
      if (text !== known?.text)
        logger.warn("A static pod's manifest cannot be used", { path, error: describeError(error) });
      return { text, pod: known?.pod };
    }
  }
}

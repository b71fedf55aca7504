import type { Pod, Volume } from "@skerry/api";
import { claimNameOf, quantityToNumber } from "@skerry/kube";
import type { ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { changesGroupAlways, volumeGroup } from "../container/security-context.ts";
import { invalidPod, notSupported } from "../errors.ts";
import type { PodPaths } from "../pod/pod-paths.ts";
import type { FileSystem, Mounts } from "../ports.ts";
import { type ProjectedFile, writeProjection } from "./atomic-files.ts";
import type { ClaimedVolumes } from "./claimed-volumes.ts";
import { prepareHostPath } from "./host-path.ts";
import { configMapFiles, downwardFiles, secretFiles } from "./payloads.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

const PODS_FOLDER_MODE = 0o700;
const EMPTY_DIR_MODE = 0o777;
const GROUP_EMPTY_DIR_MODE = 0o2777;
const DEFAULT_TOKEN_MODE = 0o644;
/** A file with a secret belongs to root; with an fsGroup the group may read it. */
const GROUP_READ = 0o040;

/** A pod's volumes made ready. */
export interface PreparedVolumes {
  /** Host path by volume name. */
  readonly paths: ReadonlyMap<string, string>;
  /** When they should be looked at again without any other reason (wall clock, ms). */
  readonly refreshAtMs: number | undefined;
}

export interface VolumePorts {
  readonly files: FileSystem;
  readonly mounts: Mounts;
  readonly tokens: ServiceAccountTokens;
  readonly claims: ClaimedVolumes;
}

/** Makes and updates pods' volumes on the node. */
export class PodVolumes {
  readonly #ports: VolumePorts;

  constructor(ports: VolumePorts) {
    this.#ports = ports;
  }

  /**
   * Brings all volumes of the pod to what the store says now; cheap when nothing changed.
   * @throws `EDGED_REFERENCE_MISSING`, `EDGED_NOT_SUPPORTED`, `EDGED_INVALID_POD`, file errors
   */
  async prepare(
    pod: Pod,
    paths: PodPaths,
    facts: PodFacts,
    lookup: ObjectLookup,
    signal: AbortSignal,
  ): Promise<PreparedVolumes> {
    // Volumes show Secrets: users of the machine do not get in, containers have them by mounts.
    await this.#ports.files.makeDirectory(paths.parent, PODS_FOLDER_MODE);
    const prepared = new Map<string, string>();
    let refreshAtMs: number | undefined;
    for (const volume of pod.spec.volumes ?? []) {
      const context = { pod, paths, facts, lookup, signal };
      const result = await this.#prepareVolume(volume, context);
      prepared.set(volume.name, result.path);
      if (result.refreshAtMs !== undefined)
        refreshAtMs = Math.min(refreshAtMs ?? result.refreshAtMs, result.refreshAtMs);
    }
    return { paths: prepared, refreshAtMs };
  }

  /** Unmounts and removes everything of the pod; what hostPath volumes name stays. */
  async remove(paths: PodPaths): Promise<void> {
    for (const mountPoint of await this.#ports.mounts.listBelow(paths.root))
      await this.#ports.mounts.unmount(mountPoint);
    await this.#ports.files.remove(paths.root);
  }

  async #prepareVolume(volume: Volume, context: VolumeContext): Promise<{ path: string; refreshAtMs?: number }> {
    const { paths, lookup, facts } = context;
    if (volume.hostPath) {
      const { path, type } = volume.hostPath;
      return { path: await prepareHostPath(this.#ports.files, path, type ?? "") };
    }
    if (volume.configMap) {
      const files = await configMapFiles(volume.configMap.name, volume.configMap, lookup);
      return { path: await this.#project(volume, "configmap", files, context) };
    }
    if (volume.secret) {
      const files = await secretFiles(volume.secret.secretName, volume.secret, lookup);
      return { path: await this.#project(volume, "secret", files, context) };
    }
    if (volume.downwardAPI) {
      const files = downwardFiles(volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode, facts);
      return { path: await this.#project(volume, "downward-api", files, context) };
    }
    if (volume.projected) return this.#prepareProjected(volume, context);
    const claim = claimNameOf(context.pod, volume);
    if (claim !== undefined) return { path: await this.#prepareClaimed(volume, claim, context) };
    if (volume.emptyDir || Object.keys(volume).length === 1)
      return { path: await this.#prepareEmptyDir(volume, paths, context.pod) };
    const kind = Object.keys(volume).find((member) => member !== "name") ?? "unknown";
    throw notSupported(
      `volume "${volume.name}" of kind ${kind}`,
      "only emptyDir, hostPath, configMap, secret, downwardAPI, projected and claimed volumes are",
    );
  }

  async #prepareClaimed(volume: Volume, claim: string, { pod, paths, signal }: VolumeContext): Promise<string> {
    const { path, mayChangeGroup } = await this.#ports.claims.prepare(pod, volume, claim, paths, signal);
    const group = volumeGroup(pod);
    if (mayChangeGroup && group !== undefined) await this.#ports.files.shareTree(path, group, changesGroupAlways(pod));
    return path;
  }

  async #prepareEmptyDir(volume: Volume, paths: PodPaths, pod: Pod): Promise<string> {
    const { files, mounts } = this.#ports;
    const path = paths.volume("empty-dir", volume.name);
    const group = volumeGroup(pod);
    const isNew = (await files.status(path)) === undefined;
    if (isNew) await files.makeDirectory(path, group === undefined ? EMPTY_DIR_MODE : GROUP_EMPTY_DIR_MODE);
    if (volume.emptyDir?.medium === "Memory") {
      const limit = volume.emptyDir.sizeLimit;
      // After a reboot the folder is there but its memory is not.
      if (!(await mounts.listBelow(path)).includes(path))
        await mounts.mountMemory(path, limit === undefined ? undefined : quantityToNumber(limit));
    } else if (volume.emptyDir?.medium) {
      throw notSupported(`emptyDir.medium ${volume.emptyDir.medium}`, "only Memory and the default are");
    }
    if (group !== undefined && isNew) await files.setGroup(path, group, GROUP_EMPTY_DIR_MODE);
    return path;
  }

  async #prepareProjected(volume: Volume, context: VolumeContext): Promise<{ path: string; refreshAtMs?: number }> {
    const { pod, lookup, facts, signal } = context;
    const defaultMode = volume.projected?.defaultMode;
    const all = new Map<string, ProjectedFile>();
    let refreshAtMs: number | undefined;
    const add = (files: ReadonlyMap<string, ProjectedFile>): void => {
      for (const [path, file] of files) all.set(path, file);
    };
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap)
        add(await configMapFiles(source.configMap.name, { ...source.configMap, defaultMode }, lookup));
      else if (source.secret) add(await secretFiles(source.secret.name, { ...source.secret, defaultMode }, lookup));
      else if (source.downwardAPI) add(downwardFiles(source.downwardAPI.items ?? [], defaultMode, facts));
      else if (source.serviceAccountToken) {
        const { path, audience, expirationSeconds } = source.serviceAccountToken;
        const token = await this.#ports.tokens.token(pod, { audience, expirationSeconds }, signal);
        refreshAtMs = Math.min(refreshAtMs ?? token.refreshAtMs, token.refreshAtMs);
        all.set(path, { data: new TextEncoder().encode(token.token), mode: defaultMode ?? DEFAULT_TOKEN_MODE });
      } else
        throw notSupported(
          `projected source ${Object.keys(source)[0] ?? "(empty)"} of volume "${volume.name}"`,
          "only configMap, secret, downwardAPI and serviceAccountToken are",
        );
    }
    const path = await this.#project(volume, "projected", all, context);
    return refreshAtMs === undefined ? { path } : { path, refreshAtMs };
  }

  async #project(
    volume: Volume,
    kind: string,
    files: ReadonlyMap<string, ProjectedFile>,
    { paths, pod }: VolumeContext,
  ): Promise<string> {
    const path = paths.volume(kind, volume.name);
    const group = volumeGroup(pod);
    const shown = group === undefined ? files : givenToGroup(files, group);
    for (const name of shown.keys())
      if (name.includes("\0")) throw invalidPod(`volume "${volume.name}"`, "a file name contains a zero byte");
    await writeProjection(this.#ports.files, path, shown);
    return path;
  }
}

interface VolumeContext {
  readonly pod: Pod;
  readonly paths: PodPaths;
  readonly facts: PodFacts;
  readonly lookup: ObjectLookup;
  readonly signal: AbortSignal;
}

function givenToGroup(files: ReadonlyMap<string, ProjectedFile>, groupId: number): Map<string, ProjectedFile> {
  return new Map([...files].map(([path, file]) => [path, { ...file, mode: file.mode | GROUP_READ, groupId }]));
}

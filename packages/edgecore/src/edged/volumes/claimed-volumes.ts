import { dirname } from "node:path";
import {
  type KubernetesObject,
  LOCAL_PATH_PROVISIONER,
  LOCAL_VOLUMES_FOLDER,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  PROVISIONED_BY,
  type Volume,
} from "@skerry/api";
import { isApiError } from "@skerry/kube";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { claimUnusable, invalidPod, notSupported, referenceMissing } from "../errors.ts";
import { stringAt } from "../json-access.ts";
import type { PodPaths } from "../pod/pod-paths.ts";
import { podIdentity } from "../pod/runtime-names.ts";
import type { FileSystem } from "../ports.ts";
import { prepareHostPath } from "./host-path.ts";

const FOLDER_MODE = 0o750;
/** Whoever the container runs as. */
const PROVISIONED_MODE = 0o777;

/**
 * Folders of this machine that pods have by claims. The cloud is asked once for each pod and volume; what it said is
 * kept as a symlink among the pod's volumes, so that a restart needs no network.
 */
export class ClaimedVolumes {
  readonly #meta: MetaClient;
  readonly #files: FileSystem;

  constructor(meta: MetaClient, files: FileSystem) {
    this.#meta = meta;
    this.#files = files;
  }

  /**
   * The folder, and whether its files may be given to the pod's group: those of a volume of kind local or of the
   * local-path provisioner, with its first use. What else hostPath names belongs to the machine.
   * @throws `EDGED_REFERENCE_MISSING`, `EDGED_CLAIM_UNUSABLE`, `EDGED_NOT_SUPPORTED`, `EDGED_INVALID_POD`
   */
  async prepare(
    pod: Pod,
    volume: Volume,
    claimName: string,
    paths: PodPaths,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly mayChangeGroup: boolean }> {
    const link = paths.volume("claimed", volume.name);
    const known = await this.#files.readLink(link);
    if (known !== undefined) return { path: known, mayChangeGroup: false };
    const { namespace } = podIdentity(pod);
    const claim = await this.#ask<PersistentVolumeClaim>(`${namespace}/persistentvolumeclaim/${claimName}`, signal);
    checkClaim(pod, volume, claim);
    const { volumeName = "" } = claim.spec;
    if (volumeName === "" || claim.status?.phase !== "Bound")
      throw claimUnusable(claimName, "it is not bound to a volume yet");
    const found = await this.#ask<PersistentVolume>(`null/persistentvolume/${volumeName}`, signal);
    if (found.spec.claimRef?.uid !== claim.metadata.uid)
      throw claimUnusable(claimName, `volume ${volumeName} belongs to another claim`);
    const path = await this.#folderOf(found);
    await this.#files.makeDirectory(dirname(link), FOLDER_MODE);
    await this.#files.symlink(path, link);
    return { path, mayChangeGroup: found.spec.local !== undefined || isProvisioned(found) };
  }

  async #folderOf({ metadata, spec }: Pick<PersistentVolume, "metadata" | "spec">): Promise<string> {
    const what = `persistent volume ${metadata.name}`;
    if (spec.volumeMode === "Block")
      throw notSupported(`${what} of volumeMode Block`, "volumes are given as folders only");
    const { hostPath, local } = spec;
    if (isProvisioned({ metadata, spec })) {
      await this.#files.makeDirectory(LOCAL_VOLUMES_FOLDER, FOLDER_MODE);
      await this.#files.makeDirectory(stringAt(hostPath, "path") ?? "", PROVISIONED_MODE);
    }
    if (hostPath)
      return prepareHostPath(this.#files, stringAt(hostPath, "path") ?? "", stringAt(hostPath, "type") ?? "");
    if (local) return prepareHostPath(this.#files, stringAt(local, "path") ?? "", "Directory");
    throw notSupported(what, "only volumes of kind local and hostPath are");
  }

  async #ask<T extends KubernetesObject>(resource: string, signal: AbortSignal): Promise<T> {
    try {
      return await this.#meta.call<T>({ operation: "query", resource, content: null }, signal);
    } catch (error) {
      const [, type, name] = resource.split("/");
      if (isApiError(error, "NotFound")) throw referenceMissing(`${type} "${name}" not found`, error);
      throw error;
    }
  }
}

/** Whether the volume is a folder that was thought of for its claim: it is made with its first use. */
function isProvisioned({ metadata, spec }: Pick<PersistentVolume, "metadata" | "spec">): boolean {
  const path = stringAt(spec.hostPath, "path");
  return (
    metadata.annotations?.[PROVISIONED_BY] === LOCAL_PATH_PROVISIONER &&
    path === `${LOCAL_VOLUMES_FOLDER}/${metadata.name}`
  );
}

function checkClaim(pod: Pod, volume: Volume, { metadata }: PersistentVolumeClaim): void {
  if (metadata.deletionTimestamp !== undefined) throw claimUnusable(metadata.name, "it is being deleted");
  const isOwn = metadata.ownerReferences?.some(
    ({ uid, controller }) => controller === true && uid === pod.metadata.uid,
  );
  if (volume.ephemeral && !isOwn)
    throw invalidPod(`volume "${volume.name}"`, `claim ${metadata.name} was not made for this pod`);
}

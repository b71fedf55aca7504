import { join } from "node:path";
import { invalidPod } from "../errors.ts";
import type { PodIdentity } from "./runtime-names.ts";

const SAFE_SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Where a pod's files are on the node. Names come from the cloud, so each is checked to be one plain path segment. */
export class PodPaths {
  /** The folder of all pods' folders. */
  readonly parent: string;
  readonly uid: string;
  /** The pod's own folder. */
  readonly root: string;
  readonly logs: string;

  /** @throws `EDGED_INVALID_POD` for a name that could lead elsewhere */
  constructor(rootDirectory: string, podLogsDirectory: string, pod: PodIdentity) {
    this.parent = join(rootDirectory, "pods");
    this.uid = segment("metadata.uid", pod.uid);
    this.root = join(this.parent, this.uid);
    const folder = `${segment("metadata.namespace", pod.namespace)}_${segment("metadata.name", pod.name)}_${pod.uid}`;
    this.logs = join(podLogsDirectory, folder);
  }

  get hostsFile(): string {
    return join(this.root, "etc-hosts");
  }

  /** The pod's /etc/resolv.conf, where Edged keeps it. */
  get nameFile(): string {
    return join(this.root, "etc-resolv.conf");
  }

  /** Volumes of a kind (`configmap`, `empty-dir`, …), laid out as the kubelet does. */
  volume(kind: string, name: string): string {
    return join(this.root, "volumes", `kubernetes.io~${kind}`, segment("volume name", name));
  }

  get volumes(): string {
    return join(this.root, "volumes");
  }

  terminationLog(containerName: string, restartCount: number): string {
    return join(this.root, "containers", segment("container name", containerName), String(restartCount));
  }

  /** Relative to `logs`, as CRI wants it. */
  static logPath(containerName: string, restartCount: number): string {
    return join(segment("container name", containerName), `${restartCount}.log`);
  }
}

function segment(field: string, name: string): string {
  if (!SAFE_SEGMENT.test(name)) throw invalidPod(field, `"${name}" cannot be used as a file name`);
  return name;
}

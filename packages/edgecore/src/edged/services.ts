import type { Pod } from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import type { UsageSource } from "../edgestream/metrics/usage.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import type { EdgedConfig } from "./config.ts";
import type { ImageProvider } from "./container/image-provider.ts";
import type { ContainerDevices } from "./devices/container-devices.ts";
import type { DevicePluginPorts } from "./devices/device-plugins.ts";
import type { EventRecorder } from "./events.ts";
import type { MachineFacts } from "./node/machine-facts.ts";
import type { HeldUpgrades } from "./pod/held-upgrades.ts";
import type { PodAdmission } from "./pod/pod-admission.ts";
import type { StartTurns } from "./pod/start-turns.ts";
import type { UserRanges } from "./pod/user-ranges.ts";
import type { ContainerRuntime, FileSystem, HostInfo, Mounts, NetworkCheck, PodGroups, ValueSeal } from "./ports.ts";
import type { PodDirectory } from "./static/pod-directory.ts";
import type { ManifestSource } from "./static/static-pods.ts";
import type { PodVolumes } from "./volumes/pod-volumes.ts";

/** Where pods ask for names. */
export interface ServiceNames {
  /** The address of the node's own name server for a pod with this address; undefined: it asks the machine's. */
  serverFor(podAddress: string): Promise<string | undefined>;
}

/** What Edged runs on. */
export interface EdgedPorts {
  readonly meta: MetaClient;
  readonly cloudLink: CloudLink;
  readonly runtime: ContainerRuntime;
  readonly fileSystem: FileSystem;
  readonly mounts: Mounts;
  readonly host: HostInfo;
  /** What containers use; without it pods are ranked by what can be seen from outside. */
  readonly usage?: Pick<UsageSource, "read"> | undefined;
  readonly network: NetworkCheck;
  /** Left out: pods have no control groups of their own. */
  readonly podGroups?: PodGroups | undefined;
  /** For what must not lie readable in the database. */
  readonly seal: ValueSeal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: EdgedConfig;
  /** Answers the names of Services; left out: pods ask the machine's name servers. */
  readonly names?: ServiceNames | undefined;
  /** Where static pods come from; left out: there are none. */
  readonly manifests?: ManifestSource;
  /** Left out: there are no devices for containers. */
  readonly devicePlugins?: DevicePluginPorts;
  /** Told when pods begin to start, and when none does any more. */
  readonly startsChanged?: (areSome: boolean) => void;
}

/** What all pods share. */
export interface PodServices extends EdgedPorts {
  readonly pods: PodDirectory;
  readonly recorder: EventRecorder;
  readonly images: ImageProvider;
  readonly volumes: PodVolumes;
  readonly devices: ContainerDevices;
  readonly machine: MachineFacts;
  readonly userRanges: UserRanges;
  readonly held: HeldUpgrades;
  readonly turns: StartTurns;
  readonly admission: PodAdmission;
  /** Why a new pod must not start on this node as it is now; undefined: it may. */
  readonly refuses: (pod: Pod) => string | undefined;
  /** A pod's status is another one. */
  readonly statusChanged: () => void;
}

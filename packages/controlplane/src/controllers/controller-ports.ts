import type { Clock, Logger, Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";

/** What every controller lives on. */
export interface ControllerPorts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Something that watches the cluster and brings it closer to what is wanted, until it is disposed. */
export interface Controller extends AsyncDisposable {
  /** Begins; the informers that it reads have synced. */
  start(): void;
}

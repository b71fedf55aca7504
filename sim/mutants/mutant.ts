import type { Clock } from "@skerry/base";
import type { MqttConnector } from "@skerry/edgecore";
import type { KubernetesApi } from "@skerry/kube";
import type { LinkDialer, LinkListen } from "@skerry/link";
import type { Database, Reader } from "@skerry/store";

/** What a bug planted in an EdgeCore may look at. */
export interface MutatedEdge {
  readonly clock: Clock;
  readonly isCloudReachable: () => boolean;
  /** Reads what is committed at this edge. */
  readonly inspect: <T>(read: (reader: Reader) => T) => T | undefined;
}

/** A bug planted at the ports of the production code, to see that the simulation finds it. */
export interface Mutant {
  readonly name: string;
  readonly description: string;
  /** Runs before an EdgeCore starts. */
  readonly beforeStart?: (edge: MutatedEdge) => Promise<void>;
  readonly mutateDatabase?: (database: Database) => Database;
  readonly mutateDialer?: (dialer: LinkDialer, edge: MutatedEdge) => LinkDialer;
  readonly mutateMqtt?: (mqtt: MqttConnector) => MqttConnector;
  readonly mutateListen?: (listen: LinkListen) => LinkListen;
  readonly mutateApi?: (api: KubernetesApi, clock: Clock) => KubernetesApi;
}

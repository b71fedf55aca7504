import type { Clock } from "@skerry/base";
import type { TelemetrySink } from "@skerry/cloudcore";
import type { ContainerRuntime, MqttConnector } from "@skerry/edgecore";
import type { GrpcTransport } from "@skerry/grpc";
import type { KubernetesApi } from "@skerry/kube";
import type { LinkDialer, LinkListen } from "@skerry/link";
import type { Database, Reader } from "@skerry/store";
import type { SimulatedProtocol } from "../schedule/schedule.ts";

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
  /** Where it shows soonest. @default mixed */
  readonly protocol?: SimulatedProtocol;
  /** Runs before an EdgeCore starts. */
  readonly beforeStart?: (edge: MutatedEdge) => Promise<void>;
  readonly mutateDatabase?: (database: Database, edge: MutatedEdge) => Database;
  /** The ring of samples. */
  readonly mutateSamples?: (database: Database, edge: MutatedEdge) => Database;
  /** Disks below SQLite do not sync. */
  readonly ignoresSyncs?: boolean;
  readonly mutateDialer?: (dialer: LinkDialer, edge: MutatedEdge) => LinkDialer;
  readonly mutateRuntime?: (runtime: ContainerRuntime, edge: MutatedEdge) => ContainerRuntime;
  readonly mutateMqtt?: (mqtt: MqttConnector) => MqttConnector;
  readonly mutateListen?: (listen: LinkListen, clock: Clock) => LinkListen;
  /** The sink of samples, as CloudCore sees it. */
  readonly mutateSink?: (sink: TelemetrySink) => TelemetrySink;
  readonly mutateSinkDatabase?: (database: Database, clock: Clock) => Database;
  readonly mutateDmi?: (transport: GrpcTransport) => GrpcTransport;
  readonly mutateApi?: (api: KubernetesApi) => KubernetesApi;
}

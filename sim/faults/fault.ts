import type { EmbeddedApiServer } from "../world/embedded-api-server.ts";
import type { History } from "../world/history.ts";
import type { SeededRandom } from "../world/seeded-random.ts";
import type { SimulatedCloud } from "../world/simulated-cloud.ts";
import type { SimulatedEdge } from "../world/simulated-edge.ts";
import type { SimulatedNetwork } from "../world/simulated-network.ts";
import type { SimulatedSink } from "../world/simulated-sink.ts";

/** The true API server, as far as faults touch it. */
export interface BreakableApi {
  /** Watches from before get 410. */
  compact(): void;
  closeWatches(): void;
  backUp(): void;
  /** Puts the backup in place; false when there is none. */
  restore(): boolean;
}

/** What a fault may break. */
export interface FaultContext {
  readonly network: SimulatedNetwork;
  readonly clouds: readonly SimulatedCloud[];
  readonly edges: readonly SimulatedEdge[];
  readonly api: BreakableApi;
  /** Where the API server is a process of its own. */
  readonly apiServer: EmbeddedApiServer | undefined;
  readonly sink: SimulatedSink;
  readonly history: History;
  /** The node that the fault is about. */
  readonly edge: SimulatedEdge;
  /** The CloudCore that the fault is about. */
  readonly cloud: SimulatedCloud;
  readonly random: SeededRandom;
  /** Does it after so long, unless the faults have stopped: then everything is healed anyway. */
  readonly later: (delayMs: number, act: () => void) => void;
}

/** A kind of fault. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  /** Only where all nodes speak Skerry's delivery: KubeEdge's cannot deal with it. */
  readonly needsSkerry?: boolean;
  readonly inject: (context: FaultContext) => void;
}

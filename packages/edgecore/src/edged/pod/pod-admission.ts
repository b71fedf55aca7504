import type { Pod } from "@skerry/api";
import { type Amounts, addTo, podRequests } from "@skerry/kube";
import { isCritical } from "../eviction/pod-ranking.ts";
import type { Allocatable } from "../node/allocatable.ts";
import type { MachineFacts } from "../node/machine-facts.ts";
import { haveSamePort } from "./host-ports.ts";
import type { PodFailure } from "./pod-failure.ts";

/** A pod that takes room on the node, or wants to. */
export interface PlacedPod {
  readonly uid: string;
  readonly pod: Pod;
  /** It has its place from before. */
  readonly isKnown: boolean;
}

/** Why a pod that runs keeps the resources it has: the node will never have room for the others, or has none now. */
export interface ResizeObstacle {
  readonly reason: "Infeasible" | "Deferred";
  readonly message: string;
}

/** A resource that a pod asks more of than there is, in the kubelet's units. */
interface Shortage {
  readonly resource: string;
  readonly requested: bigint;
  readonly used: bigint;
  readonly capacity: bigint;
}

const HUGE_PAGES = "hugepages-";
/** In the kubelet's words. */
const NO_PORT = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;

/**
 * Which pods have a place on the node. Nobody but the node can refuse those that went past the scheduler. Devices are not
 * looked at: pods wait for them.
 */
export class PodAdmission {
  readonly #machine: Pick<MachineFacts, "allocatable">;
  readonly #maxPods: number;
  readonly #pods: () => readonly PlacedPod[];
  /** What those that were admitted here were given, by UID. */
  readonly #given = new Map<string, Amounts>();

  constructor(machine: Pick<MachineFacts, "allocatable">, maxPods: number, pods: () => readonly PlacedPod[]) {
    this.#machine = machine;
    this.#maxPods = maxPods;
    this.#pods = pods;
  }

  /**
   * Gives a new pod its place, or says why there is none. The node's own and the system's pods always have one: the
   * kubelet would end others for them.
   */
  async admit(pod: Pod, uid: string): Promise<PodFailure | undefined> {
    if (this.#given.has(uid)) return undefined;
    const allocatable = await this.#machine.allocatable();
    // From here to the end without a wait: no other pod may be given the same room.
    if (this.#isPortTaken(uid, pod)) return rejection("NodePorts", NO_PORT);
    const wanted = podRequests(pod);
    const shortage = isCritical(pod) ? undefined : this.#shortage(uid, wanted, allocatable);
    if (!shortage) {
      this.#given.set(uid, wanted);
      return undefined;
    }
    return rejection(`OutOf${shortage.resource}`, shortageText(shortage));
  }

  /**
   * Gives a pod that has its place other resources, or says why it keeps those it has. Only what it wants more of is
   * asked for: a node that has too little already takes back what is given back.
   */
  async resize(uid: string, before: Pod, after: Pod): Promise<ResizeObstacle | undefined> {
    const allocatable = await this.#machine.allocatable();
    const [had, wanted] = [podRequests(before), podRequests(after)];
    const more = new Map([...wanted].filter(([name, amount]) => amount > (had.get(name) ?? 0n)));
    const obstacle = this.#resizeObstacle(uid, more, allocatable);
    this.#given.set(uid, obstacle ? had : wanted);
    return obstacle;
  }

  #resizeObstacle(uid: string, more: Amounts, allocatable: Allocatable): ResizeObstacle | undefined {
    const alone = shortageOf(more, new Map(), allocatable);
    if (alone) {
      const { resource, requested, capacity } = alone;
      const message = `Node didn't have enough capacity: ${resource}, requested: ${requested}, capacity: ${capacity}`;
      return { reason: "Infeasible", message };
    }
    const shortage = shortageOf(more, this.#used(this.#others(uid)), allocatable);
    return shortage && { reason: "Deferred", message: shortageText(shortage) };
  }

  forget(uid: string): void {
    this.#given.delete(uid);
  }

  #shortage(uid: string, wanted: Amounts, allocatable: Allocatable): Shortage | undefined {
    const others = this.#others(uid);
    if (others.length + 1 > this.#maxPods)
      return { resource: "pods", requested: 1n, used: BigInt(others.length), capacity: BigInt(this.#maxPods) };
    return shortageOf(wanted, this.#used(others), allocatable);
  }

  /** Whether another pod has a port of the machine that this one wants; one that is going gives it back. */
  #isPortTaken(uid: string, pod: Pod): boolean {
    return this.#others(uid).some(
      (other) => other.pod.metadata.deletionTimestamp === undefined && haveSamePort(pod, other.pod),
    );
  }

  /** The other pods that have a place. */
  #others(uid: string): readonly PlacedPod[] {
    return this.#pods().filter((each) => each.uid !== uid && (each.isKnown || this.#given.has(each.uid)));
  }

  #used(pods: readonly PlacedPod[]): Amounts {
    const used = new Map<string, bigint>();
    for (const { uid, pod } of pods) addTo(used, this.#given.get(uid) ?? podRequests(pod));
    return used;
  }
}

function rejection(reason: string, notice: string): PodFailure {
  return { reason, message: `Pod was rejected: ${notice}`, notice };
}

/** Which resource there is too little of, the first. */
function shortageOf(wanted: Amounts, used: Amounts, allocatable: Allocatable): Shortage | undefined {
  for (const [resource, capacity] of amountsOn(allocatable, wanted)) {
    const [asked, taken] = [wanted.get(resource) ?? 0n, used.get(resource) ?? 0n];
    const unit = resource === "cpu" ? MILLI : NANO;
    if (asked > 0n && asked + taken > capacity)
      return { resource, requested: asked / unit, used: taken / unit, capacity: capacity / unit };
  }
  return undefined;
}

function shortageText({ resource, requested, used, capacity }: Shortage): string {
  return `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
}

/** What the node has, in the order in which the kubelet looks; of sizes of huge pages that it has not, nothing. */
function amountsOn({ cpuMilli, memoryBytes, storageBytes, hugePageBytes }: Allocatable, wanted: Amounts): Amounts {
  const sizes = [...wanted.keys()]
    .filter((name) => name.startsWith(HUGE_PAGES))
    .map((name) => name.slice(HUGE_PAGES.length));
  return new Map([
    ["cpu", BigInt(cpuMilli) * MILLI],
    ["memory", BigInt(memoryBytes) * NANO],
    ["ephemeral-storage", BigInt(storageBytes) * NANO],
    ...sizes.map((size): [string, bigint] => [`${HUGE_PAGES}${size}`, BigInt(hugePageBytes[size] ?? 0) * NANO]),
  ]);
}

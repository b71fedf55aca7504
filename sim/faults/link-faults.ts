import type { SeededRandom } from "../world/seeded-random.ts";
import type { CableState } from "../world/simulated-network.ts";
import type { Fault, FaultContext } from "./fault.ts";

/** What may happen to the cables. */
export const LINK_FAULTS: readonly Fault[] = [
  { name: "cut", weight: 2, inject: (context) => setCable(context, "cut") },
  { name: "half-open to cloud", weight: 1, inject: (context) => setCable(context, "only-to-cloud") },
  { name: "half-open to edge", weight: 1, inject: (context) => setCable(context, "only-to-edge") },
  { name: "cut from one cloud", weight: 1, inject: cutPair },
  { name: "flapping", weight: 0.7, inject: flap },
  { name: "swizzle", weight: 0.7, inject: swizzle },
  { name: "throttle", weight: 1, inject: throttle },
  { name: "connections delayed", weight: 1, inject: delay },
  { name: "dial doubled", weight: 1, inject: ({ network, edge }) => network.doubleNextDial(edge.name) },
];

function setCable({ network, edge, random, later }: FaultContext, state: CableState): void {
  network.setCable(edge.name, state);
  later(random.between(200, 40_000), () => network.setCable(edge.name, "up"));
}

/** With two clouds the node goes to the other, while this one still believes in its session. */
function cutPair({ network, edge, cloud, random, later }: FaultContext): void {
  network.setCut(edge.name, cloud.name, true);
  later(random.between(3000, 40_000), () => network.setCut(edge.name, cloud.name, false));
}

/** Up and down, several times within seconds. */
function flap({ network, edge, random, later }: FaultContext): void {
  let atMs = 0;
  for (let count = random.between(2, 6); count > 0; count--) {
    later(atMs, () => network.setCable(edge.name, "cut"));
    atMs += random.between(50, 3000);
    later(atMs, () => network.setCable(edge.name, "up"));
    atMs += random.between(50, 3000);
  }
}

/** All nodes are cut, one after the other, and healed in another order. */
function swizzle({ network, edges, random, later }: FaultContext): void {
  let atMs = 0;
  for (const edge of shuffled(edges, random)) {
    later(atMs, () => network.setCable(edge.name, "cut"));
    atMs += random.between(0, 3000);
  }
  for (const edge of shuffled(edges, random)) {
    atMs += random.between(100, 8000);
    later(atMs, () => network.setCable(edge.name, "up"));
  }
}

function throttle({ network, edge, random, later }: FaultContext): void {
  network.setRate(edge.name, random.between(300, 20_000));
  later(random.between(1000, 30_000), () => network.setRate(edge.name, undefined));
}

/** What is on its way arrives late; when the edge connects anew, later than what is sent after it. */
function delay({ network, edge, random, later }: FaultContext): void {
  network.delayConnections(edge.name, random.between(500, 15_000));
  if (random.chance(0.5)) return;
  // The edge gives the connection up, what it sent is still on its way.
  const downMs = random.between(50, 3000);
  later(random.between(10, 1000), () => {
    edge.kill();
    later(downMs, () => edge.startIfDown());
  });
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  return items
    .map((item) => ({ item, order: random.float() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

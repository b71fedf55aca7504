import type { EventFate } from "@skerry/edgecore/testing";
import type { SeededRandom } from "../world/seeded-random.ts";
import type { Fault, FaultContext } from "./fault.ts";

/** What may happen to the events of a container runtime that tells them; what they told, or not, stays as it is. */
export const RUNTIME_EVENT_FAULTS: readonly Fault[] = [
  { name: "runtime events lost", weight: 2, inject: (context) => garble(context, losing) },
  { name: "runtime events late", weight: 1, inject: (context) => garble(context, delaying) },
  { name: "runtime events doubled", weight: 1, inject: (context) => garble(context, doubling) },
  { name: "runtime events break off", weight: 1, inject: ({ edge }) => edge.runtime.events?.breakOff() },
];

function losing(random: SeededRandom): EventFate {
  return () => (random.chance(0.7) ? [] : [0]);
}

/** By so much that they overtake each other. */
function delaying(random: SeededRandom): EventFate {
  return () => [random.between(0, 8000)];
}

function doubling(random: SeededRandom): EventFate {
  return () => [0, random.between(0, 3000)];
}

function garble({ edge, random, later }: FaultContext, how: (random: SeededRandom) => EventFate): void {
  const { events } = edge.runtime;
  if (!events) return;
  events.fate = how(random.fork());
  later(random.between(2000, 20_000), () => events.heal());
}

import type { ProcessVersion } from "../world/version-skew.ts";
import type { Fault, FaultContext } from "./fault.ts";

/** What may happen while a fleet is upgraded, and back. */
export const VERSION_FAULTS: readonly Fault[] = [
  { name: "edge of an older version", weight: 0.5, inject: (context) => changeEdge(context, "older") },
  { name: "edge of a newer version", weight: 0.5, inject: (context) => changeEdge(context, "newer") },
  { name: "cloud of an older version", weight: 0.5, inject: (context) => changeCloud(context, "older") },
  { name: "cloud of a newer version", weight: 0.5, inject: (context) => changeCloud(context, "newer") },
  { name: "edge database of a newer version", weight: 0.7, inject: writeNewerSchema },
];

function changeEdge({ edge, history, random, later }: FaultContext, version: ProcessVersion): void {
  const downMs = random.between(100, 3000);
  edge.kill();
  edge.version = version;
  if (version === "older") history.add(edge.name, { kind: "edge-outdated" });
  later(downMs, () => edge.startIfDown());
}

function changeCloud({ cloud, random, later }: FaultContext, version: ProcessVersion): void {
  const downMs = random.between(100, 3000);
  cloud.kill();
  cloud.version = version;
  later(downMs, () => cloud.startIfDown());
}

/** Somebody tries the next version, goes back to this one, which must not touch what it does not know, and forward again. */
function writeNewerSchema({ edge, random, later }: FaultContext): void {
  const triedMs = random.between(500, 3000);
  const backMs = triedMs + random.between(500, 8000);
  edge.kill();
  edge.setSchemaNewer(true);
  later(triedMs, () => edge.startIfDown());
  later(backMs, () => {
    edge.kill();
    edge.setSchemaNewer(false);
    edge.startIfDown();
  });
}

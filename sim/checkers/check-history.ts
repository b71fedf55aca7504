import type { History } from "../world/history.ts";
import { checkContainersRunOn } from "./containers-run-on.ts";
import { checkDeletedNeverRunsAgain } from "./deleted-never-runs-again.ts";
import { checkOneSessionANode } from "./one-session-a-node.ts";
import { checkOnlyOwnObjects } from "./only-own-objects.ts";
import { checkRestartNeedsNoNetwork } from "./restart-needs-no-network.ts";
import { checkValuesFollowTheirOwner } from "./values-follow-their-owner.ts";
import { checkVersionNeverGoesBack } from "./version-never-goes-back.ts";
import type { Violation } from "./violation.ts";

const NODE_CHECKERS = [
  checkVersionNeverGoesBack,
  checkDeletedNeverRunsAgain,
  checkContainersRunOn,
  checkRestartNeedsNoNetwork,
  checkOnlyOwnObjects,
  checkOneSessionANode,
  checkValuesFollowTheirOwner,
] as const;

/** What a world's history breaks. */
export function checkHistory(history: History, nodes: readonly string[]): Violation[] {
  return nodes.flatMap((node) => {
    const events = history.eventsOf(node);
    return NODE_CHECKERS.flatMap((check) =>
      check(events).map(({ invariant, message }) => ({ invariant, message: `${node}: ${message}` })),
    );
  });
}

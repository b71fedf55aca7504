import type { EmbeddedApiServer } from "../world/embedded-api-server.ts";
import type { Fault, FaultContext } from "./fault.ts";

/** Calls of the database within which a planned death falls due. */
const WITHIN_CALLS = 20;

/** What may happen to the process of an embedded API server and to its machine. */
export const API_SERVER_FAULTS: readonly Fault[] = [
  { name: "API server killed", weight: 1, inject: (context) => end(context, (server) => server.kill()) },
  { name: "API server power loss", weight: 1, inject: (context) => end(context, (server) => server.losePower()) },
  { name: "API server crash at database call", weight: 2, inject: endAtCommit },
  { name: "history compacted, API server killed", weight: 1, inject: compactAndKill },
];

function end(context: FaultContext, how: (server: EmbeddedApiServer) => void): void {
  const { apiServer, history, random, later } = context;
  const downMs = random.between(100, 10_000);
  if (!apiServer?.isRunning) return;
  how(apiServer);
  history.add(undefined, { kind: "api-troubled", isOn: true });
  later(downMs, () => {
    apiServer.start();
    history.add(undefined, { kind: "api-troubled", isOn: false });
  });
}

function endAtCommit(context: FaultContext): void {
  const { apiServer, random } = context;
  apiServer?.crashPoints.plan({
    port: "database",
    calls: random.between(1, WITHIN_CALLS),
    phase: random.pick(["before", "during", "after"] as const) ?? "before",
    crash: () => end(context, (server) => (random.chance(0.5) ? server.losePower() : server.kill())),
  });
}

/** The newest changes are in the server's memory too: only one that has been started anew cannot give them any more. */
function compactAndKill(context: FaultContext): void {
  context.api.compact();
  context.later(1000, () => end(context, (server) => server.kill()));
}

import { parseArgs } from "node:util";
import { sleep } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import type { LinkTrace } from "@skerry/cloudcore";
import { usageError } from "../errors.ts";
import { loadSettings } from "../settings.ts";
import { skerryHome } from "../skerry-home.ts";
import { cloudCoreSocketPath } from "../supervisor/control-channel.ts";
import { print } from "../terminal.ts";
import { askForTrace } from "../trace/cloudcore-control.ts";
import { linkLine, traceLines, traceTable } from "../trace/trace-text.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

const REFRESH_MS = 1_000;
const DAY_MS = 24 * 60 * 60_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 60 * 60_000 };

/** `skerry trace node NAME`. */
export const trace: Command = {
  name: "trace",
  summary: "show live what crosses a node's link, by kind",
  help: `skerry trace node NAME [--once] [--since DURATION] [-o json] [--control SOCKET]

Shows how the node's link is and how many messages and bytes crossed it, by direction and kind of object. At a terminal
the table is refreshed each second until Ctrl-C; otherwise each second's traffic is a line.

BYTES are those of WebSocket frames as CloudCore counts them, since it started; ABOUT ON IP adds what TLS, TCP and IP
cost, estimated. Bytes of logs and exec are not among them: they have a connection of their own.

  --once            print the table once
  --since DURATION  only the traffic of the last 10m, 3h, …; at most 24h, exact to five minutes within the last hour,
                    to an hour before
  -o json           what CloudCore answers, as JSON; without --once a line each second
  --control SOCKET  of a CloudCore that was started by \`cloudcore --control SOCKET\`

Exits 0 also when the node is offline, 1 when it has not been seen or CloudCore does not answer.

Examples:
  skerry trace node edge-node-1
  skerry trace node edge-node-1 --once --since 1h
  skerry trace node edge-node-1 --once -o json
`,
  async run(parameters) {
    const { values, positionals } = parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        once: { type: "boolean" },
        since: { type: "string" },
        output: { type: "string", short: "o" },
        control: { type: "string" },
      },
    });
    const [what, node, ...more] = positionals;
    if (what !== "node" || node === undefined || more.length > 0) throw usageError("Use `skerry trace node NAME`");
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const recentMs = values.since === undefined ? undefined : durationOf(values.since);
    const sockets = values.control === undefined ? ownCloudCores() : [values.control];
    const ask = (): Promise<LinkTrace> => askCloudCores(sockets, node, recentMs);
    const first = await ask();
    const json = values.output === "json";
    if (values.once) print(json ? JSON.stringify(first, null, 2) : traceTable(first).join("\n"));
    else if (json) await follow(ask, first, (now) => print(JSON.stringify(now)));
    else if (process.stdout.isTTY) await follow(ask, first, redraw);
    else {
      print(linkLine(first));
      await follow(ask, first, (now, before) => traceLines(now, before).forEach(print));
    }
    return first.link.state === "not-seen" ? EXIT_FAILED : EXIT_OK;
  },
};

/** The sockets of this home's CloudCores. */
function ownCloudCores(): readonly string[] {
  const home = skerryHome();
  const { cloudCores } = loadSettings(home);
  return Array.from({ length: cloudCores }, (_, index) => cloudCoreSocketPath(home, index + 1));
}

/** The trace of the CloudCore that has the node's session, or else of one that has seen it. */
async function askCloudCores(sockets: readonly string[], node: string, recentMs?: number): Promise<LinkTrace> {
  const answers = await Promise.allSettled(sockets.map((socket) => askForTrace(socket, node, recentMs)));
  const traces = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const best =
    traces.find(({ link }) => link.state === "connected") ??
    traces.find(({ link }) => link.state !== "not-seen") ??
    traces[0];
  const failed = answers.find((answer) => answer.status === "rejected");
  if (!best) throw failed?.reason;
  return best;
}

/** Shows each second's trace until Ctrl-C or the end of who reads. */
async function follow(
  ask: () => Promise<LinkTrace>,
  first: LinkTrace,
  show: (now: LinkTrace, before: LinkTrace) => void,
): Promise<void> {
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  process.stdout.once("error", () => stopped.abort());
  let before = first;
  show(first, first);
  while (!stopped.signal.aborted) {
    await sleep(systemClock, REFRESH_MS, stopped.signal).catch(() => undefined);
    if (stopped.signal.aborted) return;
    const now = await ask();
    show(now, before);
    before = now;
  }
}

/** Draws the table over the one before. */
function redraw(now: LinkTrace, before: LinkTrace): void {
  process.stdout.write(`\u001b[H\u001b[J${traceTable(now, before).join("\n")}\n`);
}

/** @throws SkerryError `SKERRY_USAGE` */
function durationOf(text: string): number {
  const [, count = "", unit = ""] = /^([0-9]{1,6})([smh])$/.exec(text) ?? [];
  const durationMs = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (!(durationMs > 0) || durationMs > DAY_MS)
    throw usageError(`--since needs a duration like 30s, 10m or 24h, at most 24h, not ${JSON.stringify(text)}`);
  return durationMs;
}

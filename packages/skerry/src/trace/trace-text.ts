import type { LinkTrace } from "@skerry/cloudcore";
import { ipBytes, type TrafficRow } from "@skerry/link";
import { byteSize, roughDuration } from "../terminal.ts";

const COLUMNS = [11, 22, 11, 13, 13] as const;

/** The whole table; with the trace of some time before, also what crosses the link each second. */
export function traceTable(trace: LinkTrace, before?: LinkTrace): string[] {
  const rows = trace.traffic.rows.map((row) => [
    row.direction === "down" ? "to the node" : "to cloud",
    row.kind,
    String(row.messages),
    byteSize(row.bytes),
    byteSize(ipBytes(row.messages, row.bytes)),
    ...(before ? [rate(row, trace, before)] : []),
  ]);
  const sum = total(trace.traffic.rows);
  return [
    linkLine(trace),
    ...(trace.budget ? [budgetLine(trace.budget)] : []),
    ...(trace.link.state === "not-seen"
      ? []
      : [`Counted here: the last ${roughDuration(trace.traffic.coversMs)}.`, ""]),
    ...(rows.length === 0
      ? []
      : [
          cells(["DIRECTION", "KIND", "MESSAGES", "BYTES", "ABOUT ON IP", ...(before ? ["NOW"] : [])]),
          ...rows.map(cells),
          cells(["both", "all", String(sum.messages), byteSize(sum.bytes), byteSize(ipBytes(sum.messages, sum.bytes))]),
        ]),
  ];
}

/** One line for each kind of which something came since `before`. */
export function traceLines(trace: LinkTrace, before: LinkTrace): string[] {
  const time = new Date(trace.atMs).toISOString().slice(11, 19);
  const changed = trace.link.state === before.link.state ? [] : [`${time} ${linkLine(trace)}`];
  const crossed = trace.traffic.rows.flatMap((row) => {
    const { messages, bytes } = grown(row, before);
    const direction = row.direction === "down" ? "to the node" : "to cloud";
    return messages > 0 ? [`${time} ${cells([direction, row.kind, `+${messages}`, `+${byteSize(bytes)}`])}`] : [];
  });
  return [...changed, ...crossed];
}

/** One sentence about the link itself. */
export function linkLine({ node, link, atMs }: LinkTrace): string {
  switch (link.state) {
    case "connected": {
      const { backlog, counters } = link;
      const waiting = `${backlog.messagesToHandle} messages to handle, ${byteSize(backlog.bytesToSend)} to send`;
      const lost = counters.dropped > 0 ? `; ${counters.dropped} messages dropped at a limit` : "";
      return `${node} is connected for ${roughDuration(atMs - link.sinceMs)} (${link.delivery} delivery); waiting: ${waiting}${lost}.`;
    }
    case "offline":
      return `${node} is OFFLINE for ${roughDuration(atMs - link.sinceMs)}: ${link.reason}. What runs there goes on.`;
    case "not-seen":
      return `${node} has not connected to this CloudCore since it started.`;
  }
}

function budgetLine({ annotation, condition, lastDayBytes }: NonNullable<LinkTrace["budget"]>): string {
  return `Byte budget "${annotation}" (bytes a day); the last 24 h: about ${byteSize(lastDayBytes)}. ${condition}.`;
}

function cells(texts: readonly string[]): string {
  return texts
    .map((text, column) => (column < 2 ? text.padEnd(COLUMNS[column] ?? 0) : text.padStart(COLUMNS[column] ?? 12)))
    .join(" ")
    .trimEnd();
}

function rate(row: TrafficRow, trace: LinkTrace, before: LinkTrace): string {
  const seconds = Math.max(0.001, (trace.atMs - before.atMs) / 1000);
  const { bytes } = grown(row, before);
  return bytes > 0 ? `${byteSize(bytes / seconds)}/s` : "";
}

/** What came since `before`; in a sliding window the count may also have become less. */
function grown(row: TrafficRow, before: LinkTrace): { readonly messages: number; readonly bytes: number } {
  const old = before.traffic.rows.find(({ direction, kind }) => direction === row.direction && kind === row.kind);
  return {
    messages: Math.max(0, row.messages - (old?.messages ?? 0)),
    bytes: Math.max(0, row.bytes - (old?.bytes ?? 0)),
  };
}

function total(rows: readonly TrafficRow[]): { readonly messages: number; readonly bytes: number } {
  return rows.reduce((sum, row) => ({ messages: sum.messages + row.messages, bytes: sum.bytes + row.bytes }), {
    messages: 0,
    bytes: 0,
  });
}

import { type ConnectRequest, refused } from "@skerry/streams";

/** Headers that make an upgrade; no other reaches the runtime. */
const PASSED: ReadonlySet<string> = new Set([
  "x-stream-protocol-version",
  "sec-websocket-key",
  "sec-websocket-version",
]);

/** What containerd's streaming server speaks over WebSocket. Newer ones, which it does not know, have another close. */
const WEB_SOCKET_PROTOCOLS: ReadonlySet<string> = new Set([
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
]);

/**
 * The headers of a caller's upgrade as the runtime gets them. Of WebSocket's protocols only those the runtime speaks are
 * offered; a caller that wants others only is refused, and comes back with SPDY. (What kubectl from 1.30 asks for first, the
 * API server translates to SPDY.)
 * @throws SkerryError `STREAMS_REFUSED`
 */
export function upgradeHeaders({ kind, headers }: ConnectRequest): (readonly [string, string])[] {
  const all = Object.entries(headers).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const valuesOf = (wanted: string): string[] =>
    all.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const upgrade = valuesOf("upgrade")[0]?.toLowerCase();
  const passed = all.filter(([name]) => PASSED.has(name.toLowerCase()));
  if (upgrade === "spdy/3.1") return [["Connection", "Upgrade"], ["Upgrade", "SPDY/3.1"], ...passed];
  if (upgrade !== "websocket") throw refused(400, "an upgrade to SPDY/3.1 or WebSocket is needed");
  const offered = valuesOf("sec-websocket-protocol").flatMap((value) => value.split(",").map((each) => each.trim()));
  const spoken = offered.filter((protocol) => WEB_SOCKET_PROTOCOLS.has(protocol));
  if (kind === "port-forward" || spoken.length === 0)
    throw refused(400, "the container runtime does not speak this WebSocket protocol; SPDY/3.1 is served");
  return [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Protocol", spoken.join(", ")],
    ...passed,
  ];
}

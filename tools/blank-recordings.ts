// Copies recordings of a KubeEdge edge and cloud into fixtures, with tokens, keys, certificates, secret values and the
// machine's identity blanked. Always the same output for the same input.
// Usage: node tools/with-node.mjs tools/blank-recordings.ts <folder with *.jsonl> [<target folder>]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

type Json = string | number | boolean | null | Json[] | { [member: string]: Json };
type JsonRecord = { [member: string]: Json };

const seenSecrets: string[] = [];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Phases of the message link that tests replay at both ends. */
const linkPhases = /^(0[1-7]|1[1-9]|2[0-4]|30-dmi-mapper-ws|31)\b.*\.jsonl$/;
/** logs, exec, attach, a follower, the node's figures; port-forward (09c) never reached the tunnel. */
const tunnelPhases = /^(08|09|09b|10|10b)-.*\.jsonl$/;
/** What a MetaServer and its cloud say to each other: objects are in it as base64, Secrets among them. */
const metaServerPhases = /^32-.*\.jsonl$/;
/** Requests to the HTTPS port. */
const httpPhases = /^25-.*\.jsonl$/;
/** KubeEdge's cloud says the same without end when a stream is over: so often is enough. */
const MOST_EQUAL_FRAMES = 20;

const [source, target = join(root, "fixtures")] = process.argv.slice(2);
if (source === undefined) {
  process.stderr.write(
    "Say which folder the recordings are in: tools/blank-recordings.ts <folder> [<target folder>]\n",
  );
  process.exit(2);
}
copyPhases("link", linkPhases, (records) =>
  records.map(blankedRecord).filter((record): record is JsonRecord => record !== undefined),
);
copyPhases("tunnel", tunnelPhases, tunnelFrames);
copyPhases("metaserver", metaServerPhases, (records) =>
  records.map(metaServerRecord).filter((record): record is JsonRecord => record !== undefined),
);
copyPhases("http", httpPhases, httpExchanges);

function copyPhases(folder: string, phases: RegExp, select: (records: JsonRecord[]) => JsonRecord[]): void {
  if (source === undefined) return;
  mkdirSync(join(target, folder), { recursive: true });
  for (const name of readdirSync(source).sort()) {
    if (!phases.test(name)) continue;
    const lines = readFileSync(join(source, name), "utf8").split("\n").filter(Boolean);
    const kept = select(lines.map((line) => JSON.parse(line) as JsonRecord));
    const text = kept.map((record) => `${blankedText(JSON.stringify(record))}\n`).join("");
    writeFileSync(join(target, folder, name), text);
  }
}

/** The exact bytes of the tunnel's frames; pings left out. */
function tunnelFrames(records: JsonRecord[]): JsonRecord[] {
  let equal = 0;
  return records
    .filter(({ chan, opcode }) => chan === "tunnel" && opcode === "text")
    .map(({ dir = null, conn = null, base64 = null }): JsonRecord => ({ dir, conn, base64 }))
    .filter((frame, at, all) => {
      const before = all[at - 1];
      equal = before?.["dir"] === frame["dir"] && before?.["base64"] === frame["base64"] ? equal + 1 : 0;
      return equal < MOST_EQUAL_FRAMES;
    });
}

/** Requests with their answers: what was asked and with what proof, and the status. */
function httpExchanges(records: JsonRecord[]): JsonRecord[] {
  const exchanges = new Map<string, { [member: string]: Json }>();
  for (const { chan, conn, dir, http } of records) {
    if (chan !== "https" || http === undefined) continue;
    const { start, headers } = http as { start: string; headers: [string, string][] };
    const key = String(conn);
    if (dir === "edge->cloud") {
      const [method = "", path = ""] = start.split(" ");
      const kept = headers.filter(([name]) => name === "Authorization" || name === "NodeName");
      exchanges.set(key, { method, path, headers: Object.fromEntries(kept) });
    } else exchanges.set(key, { ...exchanges.get(key), status: Number(start.split(" ")[1]) });
  }
  return [...exchanges.values()];
}

/** What a replay needs of one record of the message link; undefined for all others. */
function blankedRecord(record: JsonRecord): JsonRecord | undefined {
  if (record["chan"] !== "ws") return undefined;
  const { dir = null, ts = null, conn = null, msg } = record;
  if (msg !== undefined) return { dir, ts, conn, msg: blankedSecrets(msg) };
  if (record["event"] === "closed") return { dir, ts, conn, event: "closed" };
  const http = record["http"] as JsonRecord | undefined;
  if (dir === "edge->cloud" && String(http?.["start"] ?? "").startsWith("GET "))
    return { dir, ts, conn, event: "opened" };
  return undefined;
}

/** A message of the MetaServer or to it, with the object in its answer blanked as any other. */
function metaServerRecord(record: JsonRecord): JsonRecord | undefined {
  const blanked = blankedRecord(record);
  const msg = blanked?.["msg"] as JsonRecord | undefined;
  const { source } = (msg?.["route"] ?? {}) as JsonRecord;
  if (source !== "metaserver" && source !== "dynamiccontroller") return undefined;
  const content = msg?.["content"];
  if (content && typeof content === "object" && !Array.isArray(content) && typeof content["RespBody"] === "string") {
    const body = JSON.parse(Buffer.from(content["RespBody"], "base64").toString()) as Json;
    content["RespBody"] = Buffer.from(blankedText(JSON.stringify(blankedSecrets(body)))).toString("base64");
  }
  return blanked;
}

/** Values of Secrets, wherever such an object stands. */
function blankedSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map(blankedSecrets);
  if (value === null || typeof value !== "object") return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, blankedSecrets(member)]));
  if (copy["kind"] !== "Secret") return copy;
  const data = copy["data"];
  if (data && typeof data === "object" && !Array.isArray(data))
    copy["data"] = Object.fromEntries(Object.entries(data).map(([key, secret]) => [key, placeholderFor(secret)]));
  const metadata = copy["metadata"] as JsonRecord;
  const annotations = metadata["annotations"];
  if (annotations && typeof annotations === "object" && !Array.isArray(annotations))
    copy["metadata"] = {
      ...metadata,
      annotations: { ...annotations, "kubectl.kubernetes.io/last-applied-configuration": "blanked" },
    };
  return copy;
}

/** Another text for each other secret, so that a changed one still differs. */
function placeholderFor(secret: Json): string {
  const text = String(secret);
  if (!seenSecrets.includes(text)) seenSecrets.push(text);
  return Buffer.from(`blanked-${seenSecrets.indexOf(text) + 1}`).toString("base64");
}

/** What must not stay anywhere in the text, also within JSON that is text itself. */
function blankedText(line: string): string {
  return line
    .replace(/eyJ[\w-]{10,}\.[\w-]+\.[\w-]+/g, "blanked.token.blanked")
    .replace(/-----BEGIN ([A-Z ]+)-----.*?-----END \1-----/g, "-----BEGIN $1-----\\nblanked\\n-----END $1-----")
    .replace(/("?\\*"(?:machineID|systemUUID|bootID)\\*":\\*")[^"\\]+/g, "$100000000-0000-0000-0000-000000000000")
    .replace(/("?\\*"kernelVersion\\*":\\*")[^"\\]+/g, "$16.1.0");
}

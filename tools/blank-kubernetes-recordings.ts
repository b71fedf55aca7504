// Copies recordings of kubectl against a real kube-apiserver into fixtures/kubernetes/recorded: one line a command with
// the requests it caused. Keys, certificates and tokens are blanked, and what a vendor's build adds falls away. Always
// the same output for the same input.
// Usage: node tools/with-node.mjs tools/blank-kubernetes-recordings.ts <folder with *.jsonl and files/>
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

type Json = string | number | boolean | null | Json[] | { [member: string]: Json };

/** One line of a recording: a request, or the end of the command that caused the requests before it. */
interface Line {
  readonly cmd: string;
  readonly method?: string;
  readonly url?: string;
  readonly status?: number;
  readonly answer?: Json;
  readonly exit?: number | null;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** The recorder kept so many characters of what a command printed. */
const PRINTED_LIMIT = 20_000;
/** Asked by the wrapper that Debian's kubectl is. */
const WRAPPER_QUESTION = "/version?timeout=5s";

const target = join(dirname(dirname(fileURLToPath(import.meta.url))), "fixtures/kubernetes/recorded");
const [source] = process.argv.slice(2);
if (source === undefined) {
  process.stderr.write("Say which folder the recordings are in: tools/blank-kubernetes-recordings.ts <folder>\n");
  process.exit(2);
}
mkdirSync(target, { recursive: true });
cpSync(join(source, "files"), join(target, "files"), { recursive: true });
for (const name of readdirSync(source).filter((file) => /^\d\d-.*\.jsonl$/.test(file))) {
  const lines = readFileSync(join(source, name), "utf8").split("\n").filter(Boolean);
  writeFileSync(join(target, name), commands(lines.map((line) => JSON.parse(line) as Line)));
}

function commands(lines: readonly Line[]): string {
  const result: string[] = [];
  let exchanges: Json[] = [];
  for (const { cmd, method, url, status, answer = null, exit, stdout = "", stderr = "" } of lines) {
    if (method !== undefined && url !== undefined) {
      const kept = isProtobuf(answer) ? "(protobuf)" : withoutVendor(answer);
      if (url !== WRAPPER_QUESTION) exchanges.push({ method, url, status: status ?? 0, answer: kept });
      continue;
    }
    const printed = stdout.length >= PRINTED_LIMIT ? null : withoutVendorText(stdout);
    result.push(blanked(JSON.stringify({ command: cmd, exit: exit ?? null, stdout: printed, stderr, exchanges })));
    exchanges = [];
  }
  return result.map((line) => `${line}\n`).join("");
}

/** The recorder kept it as text, which it is not. */
function isProtobuf(answer: Json): boolean {
  return typeof answer === "string" && answer.startsWith("k8s\u0000");
}

/** Lists without the objects that only a vendor's build has. */
function withoutVendor(value: Json): Json {
  if (Array.isArray(value)) return value.filter((item) => !isVendors(item)).map(withoutVendor);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutVendor(member)]));
}

/** The same in what kubectl printed: a volume's source as YAML, as JSON and as described, and rows of a table. */
function withoutVendorText(text: string): string {
  return text
    .replaceAll(/ *- configMap:\n *items:\n *- key: service-ca\.crt\n.*\n *name: openshift-service-ca\.crt\n/g, "")
    .replaceAll(
      /,\s*\{\s*"configMap": \{\s*"items": \[\s*\{\s*"key": "service-ca\.crt",[^\]]*\],\s*"name": "openshift[^}]*\}\s*\}/g,
      "",
    )
    .replaceAll(/ *ConfigMapName: +openshift-service-ca\.crt\n *(?:ConfigMap)?Optional: .*\n/g, "")
    .replaceAll(/^.*openshift.*\n/gm, "");
}

function isVendors(value: Json): boolean {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  const object = (value["object"] ?? value) as { metadata?: { name?: string } } | null;
  const volume = value["configMap"] as { name?: string } | undefined;
  return (object?.metadata?.name ?? volume?.name ?? "").includes("openshift");
}

function blanked(line: string): string {
  return line
    .replace(/eyJ[\w-]{10,}\.[\w-]+\.[\w-]+/g, "blanked.token.blanked")
    .replace(/-----BEGIN ([A-Z ]+)-----.*?-----END \1-----/g, "-----BEGIN $1----- blanked -----END $1-----")
    .replace(/X509SHA256=[0-9a-f]{64}/g, "X509SHA256=blanked");
}

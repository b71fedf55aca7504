// `npm run bench [-- NAME…]`: packs Skerry, installs it into an empty folder and measures that. Needs root and kubectl.
// NAME: memory, pods, devices, offline, link, streams, api; without any, all but the last three. Takes about ten minutes on
// an idle machine.
// api --kubeconfig FILE [--process-id N]…: the same load on the API server of a kubeconfig instead of Skerry's, with the
// memory of these processes of this machine.
// pods --pods 110: instead a node with so many pods in all: started at once, left alone, deleted at once.
// link [--nodes N] [--protocol skerry|kubeedge]: so many hollow nodes (2,000), with one protocol instead of both.
// streams [--deliveries N] [--part plain|lossy]: so many ConfigMaps (300) in each series; on one network instead of both.
import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { measureApi, measureForeignApi } from "./api.ts";
import { measureDevices } from "./devices.ts";
import { measureFullNode } from "./full-node.ts";
import { LINK_PROTOCOLS, measureLink } from "./link.ts";
import { measureMemory } from "./memory.ts";
import { measureOffline } from "./offline.ts";
import { measurePods } from "./pods.ts";
import { measureStart } from "./start.ts";
import { measureStreams, STREAM_NETWORKS } from "./streams.ts";
import { ShippedSkerry } from "./support/shipped-skerry.ts";

const { values, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: "string", default: "2000" },
    pods: { type: "string" },
    protocol: { type: "string", multiple: true },
    deliveries: { type: "string", default: "300" },
    part: { type: "string", multiple: true },
    kubeconfig: { type: "string" },
    "process-id": { type: "string", multiple: true, default: [] },
  },
});
const protocols = LINK_PROTOCOLS.filter((protocol) => values.protocol?.includes(protocol) ?? true);
const nodes = Number(values.nodes);
const podCount = values.pods === undefined ? undefined : Number(values.pods);
const deliveries = Number(values.deliveries);
const networks = STREAM_NETWORKS.filter((network) => values.part?.includes(network) ?? true);
const measurements: Readonly<Record<string, (skerry: ShippedSkerry) => Promise<string>>> = {
  memory: measureMemory,
  pods: (skerry) => (podCount === undefined ? measurePods(skerry) : measureFullNode(skerry, podCount)),
  devices: measureDevices,
  offline: measureOffline,
  link: (skerry) => measureLink(skerry, nodes, protocols),
  streams: (skerry) => measureStreams(skerry, deliveries, networks),
  api: measureApi,
};
/** Take up to ten minutes each. */
const onlyWhenNamed: ReadonlySet<string> = new Set(["link", "streams", "api"]);

const unknown = chosen.find((name) => !(name in measurements));
if (unknown !== undefined) {
  process.stderr.write(`There is no measurement ${unknown}; there are ${Object.keys(measurements).join(", ")}.\n`);
  process.exit(2);
}
if (!Number.isInteger(nodes) || nodes < 1 || protocols.length === 0) {
  process.stderr.write(`link needs --nodes with a number and --protocol with ${LINK_PROTOCOLS.join(" or ")}.\n`);
  process.exit(2);
}
if (!Number.isInteger(deliveries) || deliveries < 1 || networks.length === 0) {
  process.stderr.write(`streams needs --deliveries with a number and --part with ${STREAM_NETWORKS.join(" or ")}.\n`);
  process.exit(2);
}
if (podCount !== undefined && !(Number.isInteger(podCount) && podCount >= 1)) {
  process.stderr.write("pods needs --pods with a number.\n");
  process.exit(2);
}
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
process.stdout.write(`${machine}, Node.js ${process.version}, load ${load()} at the start\n\n`);
if (values.kubeconfig !== undefined) {
  if (chosen.join() !== "api") {
    process.stderr.write("--kubeconfig belongs to `api` alone.\n");
    process.exit(2);
  }
  const processIds = values["process-id"].map(Number);
  process.stdout.write(`${await measureForeignApi(values.kubeconfig, processIds)}\nload ${load()} at the end\n`);
  process.exit();
}
using skerry = await ShippedSkerry.install(process.env["SKERRY_BENCH_PARTS"] ?? "/var/tmp/skerry-bench-parts");
if (chosen.join() === "api") {
  // It starts a control plane of its own.
} else if (chosen.length > 0 && chosen.every((name) => onlyWhenNamed.has(name))) skerry.up();
else process.stdout.write(`${measureStart(skerry)}\n`);
for (const [name, measure] of Object.entries(measurements))
  if (chosen.length === 0 ? !onlyWhenNamed.has(name) : chosen.includes(name))
    process.stdout.write(`${await measure(skerry)}\n`);
process.stdout.write(`load ${load()} at the end\n`);

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

import { parseArgs } from "node:util";
import { isSkerryError } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { usageError } from "../errors.ts";
import { type SkerryHome, skerryHome } from "../skerry-home.ts";
import { connectToCluster } from "../supervisor/cluster/connect.ts";
import { print } from "../terminal.ts";
import { type Explanation, explain } from "../why/chain.ts";
import { deviceLinks } from "../why/device-links.ts";
import { explanationLines } from "../why/explanation-text.ts";
import { type FactSources, gatherDevice, gatherNode, gatherPod } from "../why/gather.ts";
import { isCloudCore, localFacts, localProcesses } from "../why/local-facts.ts";
import { cloudLinks, nodeLinks } from "../why/node-links.ts";
import { podLinks } from "../why/pod-links.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

/** `skerry why pod|node|device NAME`. */
export const why: Command = {
  name: "why",
  summary: "explain why a pod, node or device is not as it should be",
  help: `skerry why pod|node|device NAME [-n NAMESPACE] [-o json]

Goes through the chain from what was asked to what is, and names the first broken step and what to do. For a pod NAME may
be its Deployment's or ReplicaSet's too; then the pod that is furthest behind is explained.

  -n, --namespace NAME  of the pod or device (default)
  -o json               the chain as JSON

Exits 0 when everything is as asked, 1 when a step is broken or still on its way.

Examples:
  skerry why pod edge-app
  skerry why node edge-node-1
  skerry why device thermometer -o json
`,
  async run(parameters) {
    const { values, positionals } = parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        namespace: { type: "string", short: "n", default: "default" },
        output: { type: "string", short: "o" },
      },
    });
    if (values.output !== undefined && values.output !== "json")
      throw usageError(`-o knows json, not ${JSON.stringify(values.output)}`);
    const [kind = "", name = "", ...more] = positionals.flatMap((word) => word.split("/", 2));
    if (name === "" || more.length > 0) throw usageError("Use `skerry why pod|node|device NAME`");
    const explanation = await explanationOf(skerryHome(), kind, name, values.namespace);
    if (values.output === "json") print(JSON.stringify(explanation, null, 2));
    else explanationLines(explanation).forEach(print);
    return explanation.state === "whole" ? EXIT_OK : EXIT_FAILED;
  },
};

async function explanationOf(home: SkerryHome, kind: string, name: string, namespace: string): Promise<Explanation> {
  const gatherers: Readonly<Record<string, (sources: FactSources) => Promise<Explanation>>> = {
    pod: async (sources) => {
      const facts = await gatherPod(sources, namespace, name);
      return explain(`pod ${namespace}/${facts.name}`, podLinks, facts);
    },
    node: async (sources) => explain(`node ${name}`, nodeLinks, await gatherNode(sources, name)),
    device: async (sources) =>
      explain(`device ${namespace}/${name}`, deviceLinks, await gatherDevice(sources, namespace, name)),
  };
  const aliases: Readonly<Record<string, string>> = { deployment: "pod", deploy: "pod", replicaset: "pod" };
  const singular = kind.toLowerCase().replace(/s$/, "");
  const gather = gatherers[aliases[singular] ?? singular];
  if (!gather) throw usageError(`\`skerry why\` knows pod, node and device, not ${JSON.stringify(kind)}`);
  using api = await connectToCluster(home);
  try {
    return await gather({
      api,
      clock: systemClock,
      local: (node) => localFacts(home, node),
      cloud: () => localProcesses(home, isCloudCore),
    });
  } catch (error) {
    const [controlPlane] = await localProcesses(home, (part) => part === "control plane");
    if (!isSkerryError(error, "KUBE_UNREACHABLE") || !controlPlane || controlPlane.isRunning) throw error;
    return explain(`${singular} ${name}`, cloudLinks, controlPlane);
  }
}

import { parseArgs } from "node:util";
import { isNodeName } from "@skerry/pki";
import { usageError } from "../../errors.ts";
import type { Joining } from "../join.ts";
import { portOption } from "../start-options.ts";

/** Flags of KubeEdge that Skerry has no use for. */
const MEANINGLESS = ["kubeedge-version", "cgroupdriver", "image-repository", "certPath", "tarballpath"] as const;

/** KubeEdge's keadm has no flag for it either. */
const TUNNEL_PORT = 10004;

/** What the flags of `keadm join` say. Throws SKERRY_USAGE. */
export function joinFlags(
  parameters: readonly string[],
  ownName: string,
): {
  readonly joining: Joining;
  readonly systemd: boolean;
  readonly skipsPreflight: boolean;
  readonly meaningless: readonly string[];
} {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      "cloudcore-ipport": { ...text, short: "e" },
      token: { ...text, short: "t" },
      "edgenode-name": { ...text, short: "i" },
      certport: { ...text, short: "s" },
      labels: { ...text, short: "l", multiple: true },
      "hub-protocol": text,
      "remote-runtime-endpoint": { ...text, short: "p" },
      systemd: { type: "boolean" },
      "skip-preflight-checks": { type: "boolean" },
      ...Object.fromEntries(MEANINGLESS.map((flag) => [flag, text])),
    },
  });
  const address = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(values["cloudcore-ipport"] ?? "");
  if (!address) throw usageError("-e needs CloudHub's address as HOST:PORT, for instance -e 192.0.2.7:10000");
  const [cloudHub, host] = address;
  if (!values.token) throw usageError("-t needs the token that `keadm gettoken` prints on the cloud's machine");
  if (values["hub-protocol"] !== undefined && values["hub-protocol"] !== "websocket")
    throw usageError(`--hub-protocol knows websocket, not ${JSON.stringify(values["hub-protocol"])}`);
  if (values["remote-runtime-endpoint"] !== undefined)
    throw usageError("Skerry brings its own containerd; for another one use `skerry token` and `edgecore --config`");
  const node = values["edgenode-name"] ?? ownName;
  if (!isNodeName(node)) throw usageError(`-i needs a node's name, not ${JSON.stringify(node)}`);
  const httpsPort = portOption(values.certport, "--certport") ?? 10002;
  return {
    joining: {
      node,
      nodeLabels: labelsOf(values.labels ?? []),
      cloud: {
        cloudHub,
        cloudHttps: `${host}:${httpsPort}`,
        cloudTunnel: `${host}:${TUNNEL_PORT}`,
        token: values.token,
      },
    },
    systemd: values.systemd ?? false,
    skipsPreflight: values["skip-preflight-checks"] ?? false,
    meaningless: MEANINGLESS.filter((flag) => flag in values),
  };
}

function labelsOf(lists: readonly string[]): Record<string, string> {
  const pairs = lists.flatMap((list) => list.split(",")).map((pair) => /^([^=\s]+)=([^=\s]*)$/.exec(pair));
  return Object.fromEntries(
    pairs.map((match) => {
      if (!match) throw usageError("-l needs labels as KEY=VALUE,KEY=VALUE");
      return [match[1] ?? "", match[2] ?? ""];
    }),
  );
}

// `node tools/with-node.mjs bench/idle-link.ts [MINUTES] [kubeedge]`: IP bytes that an idle node's link costs a day, both
// directions, counted by the kernel. Needs root. CloudCore and ten EdgeCores (real link over TLS, real modules; the
// machine, its containers and the Kubernetes API are in memory) run in one process, alone in a network namespace, so
// that everything on its loopback device is the link's. With `kubeedge` the edges speak KubeEdge's protocol.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { silentLogger, sleep } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { CloudHub, startCloudControllers } from "@skerry/cloudcore";
import { EdgeCore, edgeDatabaseMigrations, edgedConfig } from "@skerry/edgecore";
import {
  FakeContainerRuntime,
  FakeFileSystem,
  FakeHost,
  FakeMounts,
  FakeNetworkCheck,
  sealOfKey,
} from "@skerry/edgecore/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { type DeliveryName, ipBytes } from "@skerry/link";
import { listenWebSocket, WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem, nodeSubject } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { SqliteDatabase } from "@skerry/store/platform";

const NODES = 10;
const INSIDE = "SKERRY_BENCH_IN_NAMESPACE";
const DAY_MS = 24 * 60 * 60_000;
/** Registration, first reports and the busy time after them. */
const SETTLE_MS = 2 * 60_000;
/** Of each packet on the loopback device; it is not IP's. */
const ETHERNET_BYTES = 14;

const [minutes = "15", delivery = "skerry"] = process.argv.slice(2);
if (process.env[INSIDE] === undefined) {
  const program = fileURLToPath(import.meta.url);
  const inside = ["unshare", "--net", process.execPath, ...process.execArgv, program, minutes, delivery];
  const [command = "", ...parameters] = inside;
  const result = spawnSync(command, parameters, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
  process.exit(result.status ?? 1);
}
if (spawnSync("ip", ["link", "set", "lo", "up"], { stdio: "inherit" }).status !== 0) process.exit(1);
await measure(Number(minutes) * 60_000, delivery === "kubeedge" ? "kubeedge" : "skerry");

async function measure(durationMs: number, deliveryName: DeliveryName): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { hub, port, credentialsOf } = await startCloud(stack);
  for (let index = 1; index <= NODES; index++) {
    const nodeName = `edge-${index}`;
    const credentials = await credentialsOf(nodeName);
    const database = stack.use(new SqliteDatabase({ path: ":memory:", migrations: edgeDatabaseMigrations }));
    const core = new EdgeCore(
      {
        database,
        clock,
        random,
        logger: silentLogger,
        link: {
          dialer: new WebSocketDialer({ credentials: () => Promise.resolve(credentials) }),
          options: { projectId: "bench", servers: [`127.0.0.1:${port}`], delivery: deliveryName },
        },
        edged: {
          runtime: new FakeContainerRuntime(clock, []),
          fileSystem: new FakeFileSystem(),
          mounts: new FakeMounts(),
          host: new FakeHost(),
          network: new FakeNetworkCheck(),
          seal: sealOfKey(),
          config: edgedConfig({ nodeName, rootDirectory: "/var/lib/edged" }),
        },
      },
      { nodeName },
    );
    stack.use(core);
    await core.start();
  }
  await sleep(clock, SETTLE_MS);
  if (hub.connectedNodes.size !== NODES) throw new Error(`${hub.connectedNodes.size} of ${NODES} nodes are connected`);
  const before = loopbackCounters();
  await sleep(clock, durationMs);
  const after = loopbackCounters();
  const packets = after.packets - before.packets;
  const bytes = after.bytes - before.bytes - packets * ETHERNET_BYTES;
  const perDay = (count: number): string => Math.round((count / NODES) * (DAY_MS / durationMs)).toLocaleString("en");
  print(`${deliveryName}: ${perDay(bytes)} bytes of IP a node and day, in ${perDay(packets)} packets`);
  print(
    `counted over ${durationMs / 60_000} minutes and ${NODES} nodes, after ${SETTLE_MS / 60_000} minutes of settling`,
  );
  const { rows } = hub.trace("edge-1").traffic;
  for (const { direction, kind, messages, bytes: framed } of rows)
    print(
      `  edge-1 since its start: ${direction} ${kind}: ${messages} messages, about ${ipBytes(messages, framed)} bytes`,
    );
}

async function startCloud(stack: AsyncDisposableStack): Promise<{
  readonly hub: CloudHub;
  readonly port: number;
  credentialsOf(nodeName: string): Promise<{ authorityPem: string; certificatePem: string; privateKeyPem: string }>;
}> {
  const validity = { notBeforeMs: clock.now() - 60_000, notAfterMs: clock.now() + DAY_MS };
  const authority = await systemPki.createCertificateAuthority({ validity });
  const server = await systemPki.issueCertificate(authority, {
    commonName: "KubeEdge",
    organizations: ["KubeEdge"],
    usages: ["serverAuth"],
    ipAddresses: ["127.0.0.1"],
    validity,
  });
  const authorityPem = certificatePem(authority.certificateDer);
  const api = new MemoryKubernetesApi();
  const hub = new CloudHub({
    listen: (onConnection, admit) =>
      listenWebSocket(
        {
          address: "127.0.0.1",
          port: 0,
          ...keyedCertificatePem(server),
          clientAuthorityPem: authorityPem,
          identify: ({ subject, fingerprint256 }) => ({
            name: /system:node:(\S+)/.exec(subject)?.[1] ?? "",
            groups: [],
            certificateFingerprint: fingerprint256,
          }),
          admit,
          clock,
          logger: silentLogger,
        },
        onConnection,
      ),
    api,
    clock,
    random,
    logger: silentLogger,
  });
  const controllers = stack.use(
    await startCloudControllers({
      api,
      cloudHub: hub,
      clock,
      random,
      logger: silentLogger,
      installCustomResources: false,
    }),
  );
  await hub.start(controllers.handlers, controllers.nodeObjects);
  stack.use(hub);
  return {
    hub,
    port: hub.port,
    async credentialsOf(nodeName) {
      const pair = await systemPki.issueCertificate(authority, {
        ...nodeSubject(nodeName),
        usages: ["clientAuth"],
        validity,
      });
      return { authorityPem, ...keyedCertificatePem(pair) };
    },
  };
}

/** What the loopback device sent, which is what it received. */
function loopbackCounters(): { readonly bytes: number; readonly packets: number } {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((text) => text.trim().startsWith("lo:"));
  const [, bytes = "0", packets = "0"] = line?.trim().split(/[\s:]+/) ?? [];
  return { bytes: Number(bytes), packets: Number(packets) };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

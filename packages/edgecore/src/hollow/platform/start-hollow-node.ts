import type { Clock, Logger, Random } from "@skerry/base";
import type { DeliveryName } from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { SqliteDatabase } from "@skerry/store/platform";
import { EdgeCore } from "../../edge-core.ts";
import { edgeDatabaseMigrations } from "../../edge-database.ts";
import { edgedConfig } from "../../edged/index.ts";
import { NodeKeySeal } from "../../edged/platform/node-key-seal.ts";
import { FakeFileSystem, FakeHost, FakeMounts, FakeNetworkCheck } from "../../edged/testing/fake-machine.ts";
import { tokenMissing } from "../../enrolment/errors.ts";
import { Enrolment } from "../../enrolment/index.ts";
import { httpsEnrolmentClient } from "../../enrolment/platform/https-client.ts";
import { countingDialer, type LinkCount } from "../counting-dialer.ts";
import { HollowRuntime } from "../hollow-runtime.ts";
import { MemoryCredentials } from "../memory-credentials.ts";

export interface HollowNodeOptions {
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `host:port` of CloudHub, and of its HTTPS server. */
  readonly cloudHub: string;
  readonly cloudHttps: string;
  readonly token: string;
  readonly delivery: DeliveryName;
  /** The Node's address: its own, not the machine's. */
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A hollow node that runs. */
export interface HollowNode extends AsyncDisposable {
  readonly core: EdgeCore;
  readonly runtime: HollowRuntime;
  readonly count: Readonly<LinkCount>;
}

/** Each node's own tables are small, and its machine never changes: it is looked at more rarely than a real one. */
const CACHE_PAGES = 16;
const RELIST_PERIOD_MS = 10_000;
const NODE_STATUS_PERIOD_MS = 30_000;
const DIAL_TIMEOUT_MS = 15_000;

/**
 * Starts one node of a load test: EdgeCore's own EdgeHub, MetaManager and Edged with a certificate of its own over the
 * real link, with a database in memory and a machine and container runtime that are made up. Enrols in the background.
 */
export async function startHollowNode(options: HollowNodeOptions): Promise<HollowNode> {
  const { nodeName, clock, random, logger } = options;
  const credentials = new MemoryCredentials();
  const enrolment = new Enrolment(
    { http: httpsEnrolmentClient, store: credentials, pki: systemPki, clock, random, logger },
    { nodeName, httpServer: `https://${options.cloudHttps}`, token: options.token },
  );
  const dialer = new WebSocketDialer({
    credentials: async () => {
      const stored = await credentials.read();
      if (!stored) throw tokenMissing(nodeName, credentials.location);
      return { authorityPem: certificatePem(stored.authorityDer), ...keyedCertificatePem(stored) };
    },
    handshakeTimeoutMs: DIAL_TIMEOUT_MS + 1000,
  });
  const count: LinkCount = { sessions: 0, sentBytes: 0, receivedBytes: 0 };
  const runtime = new HollowRuntime(clock);
  const host = new FakeHost();
  host.addressValues = [options.address];
  host.factsValue = { ...host.factsValue, machineId: nodeName, systemUuid: nodeName, bootId: nodeName };
  await using opened = new AsyncDisposableStack();
  const database = opened.use(
    new SqliteDatabase({ path: ":memory:", migrations: edgeDatabaseMigrations, cachePages: CACHE_PAGES }),
  );
  const core = opened.use(
    new EdgeCore(
      {
        database,
        clock,
        random,
        logger,
        link: {
          dialer: countingDialer(dialer, count),
          options: {
            servers: [options.cloudHub],
            projectId: "e632aba927ea4ac2b575ec1603d56f10",
            dialTimeoutMs: DIAL_TIMEOUT_MS,
            delivery: options.delivery,
          },
        },
        enrolment: { service: enrolment, rotate: true },
        edged: {
          runtime,
          fileSystem: new FakeFileSystem(),
          mounts: new FakeMounts(),
          host,
          network: new FakeNetworkCheck(),
          seal: new NodeKeySeal(async () => (await credentials.read())?.privateKeyDer),
          config: edgedConfig({
            nodeName,
            rootDirectory: "/edged",
            labels: options.labels,
            relistPeriodMs: RELIST_PERIOD_MS,
            nodeStatusPeriodMs: NODE_STATUS_PERIOD_MS,
          }),
        },
      },
      { nodeName, deviceTwin: false },
    ),
  );
  await core.start();
  const running = opened.move();
  return { core, runtime, count, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

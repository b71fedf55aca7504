import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import {
  AttributeIds,
  type ClientSession,
  ClientSubscription,
  type DataType,
  LogLevel,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  setLogLevel,
  TimestampsToReturn,
  UserTokenType,
} from "node-opcua-client";

// The library writes lines of its own to standard output; what fails is thrown besides.
setLogLevel(LogLevel.Error);

export interface ConnectionSettings {
  readonly url: string;
  readonly securityPolicy: keyof typeof SecurityPolicy;
  readonly securityMode: "None" | "Sign" | "SignAndEncrypt";
  readonly userName: string;
  /** The password, or the path of a file with it. */
  readonly password: string;
  /** PEM files of the client's own; without them the library makes a self-signed pair in `pki`. */
  readonly certificate: string;
  readonly privateKey: string;
  /** A folder with trusted, rejected and own certificates. */
  readonly pki: string;
  readonly acceptUnknownServer: boolean;
  readonly timeout: number;
}

/** One session with a server, with a subscription when something is subscribed to. */
export class Connection {
  readonly #client: OPCUAClient;
  readonly session: ClientSession;
  #subscription: ClientSubscription | undefined;
  /** The types of nodes that have been written. */
  readonly types: Map<string, DataType> = new Map();

  private constructor(client: OPCUAClient, session: ClientSession) {
    this.#client = client;
    this.session = session;
  }

  /** @throws what the server or the network says; nothing stays open then */
  static async open(settings: ConnectionSettings, applicationName: string): Promise<Connection> {
    const certificates = new OPCUACertificateManager({
      rootFolder: resolve(settings.pki),
      automaticallyAcceptUnknownCertificate: settings.acceptUnknownServer,
    });
    await certificates.initialize();
    const client = OPCUAClient.create({
      applicationName,
      securityMode: MessageSecurityMode[settings.securityMode],
      securityPolicy: SecurityPolicy[settings.securityPolicy],
      endpointMustExist: false,
      clientCertificateManager: certificates,
      ...(settings.certificate !== "" && { certificateFile: settings.certificate }),
      ...(settings.privateKey !== "" && { privateKeyFile: settings.privateKey }),
      // The SDK opens a device that is gone anew; the library must not hold on to a broken connection.
      connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 1_000 },
      transportTimeout: settings.timeout,
      defaultTransactionTimeout: settings.timeout,
      keepSessionAlive: true,
    });
    try {
      await client.connect(settings.url);
      const { userName } = settings;
      const session = await (userName === ""
        ? client.createSession()
        : client.createSession({ type: UserTokenType.UserName, userName, password: await passwordOf(settings) }));
      return new Connection(client, session);
    } catch (error) {
      await client.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** Tells a node's changes until the signal is aborted. */
  async subscribe(
    nodeId: string,
    samplingInterval: number,
    signal: AbortSignal,
    onChange: (value: { readonly dataType: DataType; readonly value: unknown }) => void,
  ): Promise<void> {
    this.#subscription ??= ClientSubscription.create(this.session, {
      requestedPublishingInterval: samplingInterval,
      requestedLifetimeCount: 600,
      requestedMaxKeepAliveCount: 10,
      maxNotificationsPerPublish: 1_000,
      publishingEnabled: true,
      priority: 1,
    });
    const item = await this.#subscription.monitor(
      { nodeId, attributeId: AttributeIds.Value },
      { samplingInterval, discardOldest: true, queueSize: 10 },
      TimestampsToReturn.Both,
    );
    item.on("changed", (data) => {
      if (!signal.aborted && data.statusCode.isGood()) onChange(data.value);
    });
    signal.addEventListener("abort", () => void item.terminate().catch(() => undefined), { once: true });
  }

  async close(): Promise<void> {
    try {
      await this.session.close(true);
    } finally {
      await this.#client.disconnect();
    }
  }
}

async function passwordOf({ password }: ConnectionSettings): Promise<string> {
  return password.startsWith("/") ? (await readFile(password, "utf8")).trim() : password;
}

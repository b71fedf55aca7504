import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCloudCoreConfig, namespaces, serviceAccounts } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { SecretStore } from "@skerry/cloudcore";
import { startCloudCore } from "@skerry/cloudcore/platform";
import { startControlPlane } from "@skerry/controlplane/platform";
import type { KubernetesApi } from "@skerry/kube";
import {
  type Application,
  acknowledgementOf,
  applicationContent,
  decodeMessage,
  encodeMessage,
  type LinkConnection,
  META_SERVER_SOURCE,
  needsAcknowledgement,
  newMessage,
  WATCH_SET_RESOURCE,
} from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { KINDS, namespaceOf, OWN, objectOf, VICTIM } from "./attacks-by-application.ts";

/** Kubernetes and CloudCore, and a way in for nodes. */
export class MetaServerCloud implements AsyncDisposable {
  readonly api: KubernetesApi;
  readonly #stack: AsyncDisposableStack;
  readonly #dial: (nodeName: string) => Promise<LinkConnection>;

  private constructor(
    api: KubernetesApi,
    stack: AsyncDisposableStack,
    dial: (nodeName: string) => Promise<LinkConnection>,
  ) {
    this.api = api;
    this.#stack = stack;
    this.#dial = dial;
  }

  static async start(): Promise<MetaServerCloud> {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), "skerry-isolation-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const ports = { clock, random, logger: silentLogger };
    const kubernetes = stack.use(
      await startControlPlane({ ...ports, dataFolder: folder, address: "127.0.0.1", port: 0, controllers: false }),
    );
    const { api } = kubernetes;
    const kubeConfig = join(folder, "kubeconfig");
    writeFileSync(kubeConfig, kubernetes.kubeconfig);
    await api.create({ resource: namespaces }, { apiVersion: "v1", kind: "Namespace", metadata: { name: "kubeedge" } });
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = await systemPki.createCertificateAuthority({ validity });
    const data = { cadata: authority.certificateDer, cakeydata: authority.privateKeyDer };
    await new SecretStore(api).create("casecret", data);
    const core = stack.use(
      await startCloudCore({
        ...ports,
        config: {
          ...defaultCloudCoreConfig(),
          ...{ kubeConfig, advertiseAddresses: ["127.0.0.1"], dynamicController: { enabled: true } },
          credentialFiles: { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" },
        },
        ports: { webSocket: 0, https: 0 },
      }),
    );
    for (const nodeName of [OWN, VICTIM]) await giveObjects(api, nodeName);
    const dial = async (nodeName: string): Promise<LinkConnection> => {
      const pair = await systemPki.issueCertificate(authority, {
        ...{ commonName: `system:node:${nodeName}`, organizations: ["system:nodes"], usages: ["clientAuth"], validity },
      });
      const credentials = { authorityPem: certificatePem(authority.certificateDer), ...keyedCertificatePem(pair) };
      const dialer = new WebSocketDialer({ credentials: async () => credentials });
      const url = `wss://127.0.0.1:${core.webSocketPort}/p/${nodeName}/events`;
      const headers = { node_id: nodeName, project_id: "p", ConnectionUse: "msg" };
      return dialer.dial(url, headers, new AbortController().signal);
    };
    return new MetaServerCloud(api, stack.move(), dial);
  }

  /** A node with KubeEdge's delivery, which gets what a watch selects at once. */
  async connect(nodeName: string): Promise<MetaServerNode> {
    return new MetaServerNode(await this.#dial(nodeName));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A node whose MetaServer asks whatever it likes. */
export class MetaServerNode {
  readonly #connection: LinkConnection;
  readonly #waiting = new Map<string, (content: JsonValue) => void>();
  /** All that came, with what is in it as base64. */
  readonly received: string[] = [];

  constructor(connection: LinkConnection) {
    this.#connection = connection;
    connection.start({
      onFrame: (text) => {
        const message = decodeMessage(text);
        const { header, content } = message;
        this.received.push(text, bodyOf(content));
        if (needsAcknowledgement(message))
          connection.send(encodeMessage(acknowledgementOf({ clock, random }, message)));
        this.#waiting.get(header.parent_msg_id ?? "")?.(content);
      },
      onClose: ({ reason }) => {
        for (const settle of this.#waiting.values()) settle(`closed: ${reason}`);
      },
    });
  }

  /** The answer's content. */
  ask(application: Application): Promise<JsonValue> {
    return this.#send("Application", "ignore/Application/ignore", applicationContent(application));
  }

  /** The refused ones' ids. */
  async watchAll(applications: readonly Application[]): Promise<readonly string[]> {
    const set = Object.fromEntries(
      applications.map((application) => [application.id, applicationContent(application)]),
    );
    const refused = await this.#send("sync", WATCH_SET_RESOURCE, set);
    return isJsonObject(refused) ? Object.keys(refused) : assert.fail(JSON.stringify(refused));
  }

  close(): void {
    this.#connection.close(1000, "done");
  }

  #send(operation: string, resource: string, content: JsonObject): Promise<JsonValue> {
    const route = { source: META_SERVER_SOURCE, group: "resource", operation, resource };
    const message = newMessage({ clock, random }, route, content);
    const answer = new Promise<JsonValue>((resolve) => this.#waiting.set(message.header.msg_id, resolve));
    this.#connection.send(encodeMessage(message));
    return answer;
  }
}

/** The object in an answer. */
export function bodyOf(content: JsonValue): string {
  const body = isJsonObject(content) ? content["RespBody"] : undefined;
  return typeof body === "string" ? Buffer.from(body, "base64").toString() : "";
}

export function isApproved(content: JsonValue): boolean {
  return isJsonObject(content) && content["Status"] === "Approved";
}

async function giveObjects(api: KubernetesApi, nodeName: string): Promise<void> {
  // A pod's account has to be there before it.
  for (const resource of [serviceAccounts, ...KINDS.filter((kind) => kind !== serviceAccounts)]) {
    const namespace = namespaceOf(resource);
    await api.create({ resource, ...(namespace ? { namespace } : {}) }, objectOf(resource, nodeName));
  }
}

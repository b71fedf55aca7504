import { generateKeyPairSync } from "node:crypto";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { KubernetesApi } from "@skerry/kube";
import { SqliteDatabase } from "@skerry/store/platform";
import type { WebhookCaller } from "../admission/webhooks/webhook-caller.ts";
import type { ApiRequest, ApiResponse } from "../apiserver/api-request.ts";
import { createApiServer } from "../apiserver/api-server.ts";
import type { KubeletConnector, KubeletTarget } from "../apiserver/pod-streams.ts";
import { JwtSigner } from "../platform/jwt-signer.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { storeMigrations } from "../registry/store-session.ts";

/** What a request of a test says besides method and path. */
export interface TestRequest {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default the administrator; `null` for nobody */
  readonly user?: UserInfo | null;
  /** Aborted when the client goes away. */
  readonly signal?: AbortSignal;
}

/** An API server on a database in memory, without a socket. */
export interface TestApiServer extends AsyncDisposable {
  readonly api: KubernetesApi;
  send(method: string, url: string, request?: TestRequest): Promise<ApiResponse>;
  /** What a request with an upgrade is led to. @throws ApiError */
  upgradeTarget(url: string): Promise<KubeletTarget>;
  /** The JSON of an answer, with its HTTP status. */
  call(method: string, url: string, request?: TestRequest): Promise<{ status: number; body: Record<string, unknown> }>;
}

const notAsked = (): Promise<never> => Promise.reject(new Error("no node was to be asked for this"));
const ADMIN: UserInfo = { username: "kubernetes-admin", groups: ["system:masters"] };

/** Starts an API server for a test; dispose of it. */
export async function startTestApiServer(
  options: {
    readonly kubelet?: Partial<KubeletConnector>;
    readonly audit?: (line: string) => void;
    readonly webhooks?: WebhookCaller;
    /** One that stays open, for a server after another; left out: one of its own. */
    readonly database?: SqliteDatabase;
  } = {},
): Promise<TestApiServer> {
  const { kubelet, audit, webhooks } = options;
  const database = options.database ?? new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = await createApiServer({
    database,
    signer: new JwtSigner(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    serverAddress: () => "127.0.0.1:6443",
    ...(kubelet
      ? {
          kubelet: () => ({
            get: kubelet.get?.bind(kubelet) ?? notAsked,
            requestPod: kubelet.requestPod?.bind(kubelet) ?? notAsked,
          }),
        }
      : {}),
    ...(audit ? { audit } : {}),
    ...(webhooks ? { webhooks } : {}),
  });
  const requestOf = (method: string, url: string, request: TestRequest = {}): ApiRequest => {
    const { pathname, searchParams } = new URL(`https://server${url}`);
    const user = request.user === undefined ? ADMIN : request.user;
    const raw = request.body;
    return {
      method,
      path: pathname,
      query: searchParams,
      headers: {
        ...(raw === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
        ...request.headers,
      },
      body: raw instanceof Uint8Array ? raw : new TextEncoder().encode(raw === undefined ? "" : JSON.stringify(raw)),
      ...(user ? { certificateUser: user } : {}),
      signal: request.signal ?? new AbortController().signal,
    };
  };
  const send: TestApiServer["send"] = (...request) => server.handler.handle(requestOf(...request));
  return {
    api: server.api,
    send,
    upgradeTarget: (url) => server.handler.upgradeTarget(requestOf("GET", url)),
    async call(method, url, request) {
      const response = await send(method, url, request);
      if (typeof response.body !== "string") throw new Error("a watch has no single answer");
      return { status: response.status, body: JSON.parse(response.body) as Record<string, unknown> };
    },
    async [Symbol.asyncDispose]() {
      server[Symbol.dispose]();
      if (!options.database) await database[Symbol.asyncDispose]();
    },
  };
}

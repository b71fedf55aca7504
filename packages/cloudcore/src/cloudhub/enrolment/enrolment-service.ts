import { nodes } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type Logger } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { isNodeName, type KeyedCertificate, nodeNameOf, nodeSubject, type Pki, verifyBearerToken } from "@skerry/pki";
import { CLOCK_TOLERANCE_MS } from "../credentials/cloud-credentials.ts";
import { nameInUse, nodeNameContradiction, notAnEdgeNode } from "../errors.ts";
import { FailureLimiter } from "./failure-limiter.ts";

/** A request to CloudCore's HTTPS port, as the platform's server has read it. */
export interface EnrolmentRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The client's certificate if it presented one, DER; not verified. */
  readonly clientCertificateDer: Uint8Array | undefined;
  readonly remoteAddress: string;
}

export interface EnrolmentResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface EnrolmentServiceOptions {
  readonly pki: Pki;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authority: KeyedCertificate;
  readonly edgeCertificateValidityMs: number;
  /** Whether the node has a live session just now. */
  readonly isConnected: (nodeName: string) => boolean;
}

/** Label of edge nodes' Node objects. */
const EDGE_ROLE_LABEL = "node-role.kubernetes.io/edge";

/**
 * CloudCore's HTTPS port: the authority's certificate, certificates for edge nodes, whether a node exists (security.md 2).
 * What is in a certificate is decided here: the node's name, the group `system:nodes`, client authentication only; of
 * the request nothing but its key counts (S2).
 *
 * A join token enrols any node name, as in KubeEdge, so that a machine that lost its key can come back. The exceptions:
 * a name whose node is connected just now, so that nobody can push a running node aside; and the names of the cluster's
 * nodes that are no edge nodes.
 */
export class EnrolmentService {
  readonly #options: EnrolmentServiceOptions;
  readonly #limiter: FailureLimiter;

  constructor(options: EnrolmentServiceOptions) {
    this.#options = options;
    this.#limiter = new FailureLimiter(options.clock);
  }

  /** Answers one request; never throws. */
  async handle(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const waitMs = this.#limiter.waitMs(request.remoteAddress);
    if (waitMs > 0)
      return text(429, "Too many failed requests from this address", {
        "retry-after": String(Math.ceil(waitMs / 1000)),
      });
    try {
      const response = await this.#route(request);
      if (response.status === 400 || response.status === 401) this.#limiter.fail(request.remoteAddress);
      return response;
    } catch (error) {
      this.#options.logger.error("A request on the HTTPS port failed", {
        path: request.path.slice(0, 200),
        error: describeError(error),
      });
      return text(500, "CloudCore could not handle the request; its log says why");
    }
  }

  async #route(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const nodePath = /^\/node\/([^/]{1,253})$/.exec(request.path);
    const isKnown = request.path === "/ca.crt" || request.path === "/edge.crt" || nodePath !== null;
    if (!isKnown) return text(404, "404 page not found");
    if (request.method !== "GET") return text(405, "Only GET is served here", { allow: "GET" });
    if (request.path === "/ca.crt") return binary(this.#options.authority.certificateDer);
    if (request.path === "/edge.crt") return this.#enrol(request);
    return this.#checkNode(nodePath?.[1] ?? "");
  }

  async #enrol(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const { pki, logger, authority } = this.#options;
    try {
      const asked = await pki.readCertificateRequest(request.body);
      const { nodeName, isRenewal } = this.#authenticate(request, asked);
      if (!isRenewal) await this.#refuseForeignNode(nodeName);
      const nowMs = this.#options.clock.now();
      const certificateDer = await pki.signCertificateRequest(authority, request.body, {
        ...nodeSubject(nodeName),
        usages: ["clientAuth"],
        validity: {
          notBeforeMs: nowMs - CLOCK_TOLERANCE_MS,
          notAfterMs: nowMs + this.#options.edgeCertificateValidityMs,
        },
      });
      logger.info(isRenewal ? "A node renewed its certificate" : "A node was enrolled", {
        node: nodeName,
        remoteAddress: request.remoteAddress,
        fingerprint: pki.readCertificate(certificateDer).fingerprint,
      });
      return binary(certificateDer);
    } catch (error) {
      if (!isSkerryError(error)) throw error;
      logger.warn("An enrolment was refused", {
        remoteAddress: request.remoteAddress,
        claimedNode: request.headers["nodename"]?.slice(0, 253),
        error: describeError(error),
      });
      return text(statusOf(error.code), `${describeError(error)}. ${error.advice}`);
    }
  }

  /** Who the request is from: the node of its certificate when that holds, else the one a token vouches for (S15). */
  #authenticate(
    request: EnrolmentRequest,
    asked: { readonly commonName: string; readonly organizations: readonly string[] },
  ): { readonly nodeName: string; readonly isRenewal: boolean } {
    const { pki, clock, authority, isConnected } = this.#options;
    const claimed = request.headers["nodename"] ?? "";
    const bearerToken = (request.headers["authorization"] ?? "").trim().split(/\s+/)[1] ?? "";
    if (request.clientCertificateDer) {
      try {
        const facts = pki.verifyCertificate(request.clientCertificateDer, authority.certificateDer, {
          usage: "clientAuth",
          nowMs: clock.now(),
        });
        const nodeName = nodeNameOf(facts);
        if (claimed !== "" && claimed !== nodeName) throw nodeNameContradiction(claimed, nodeName);
        return { nodeName, isRenewal: true };
      } catch (error) {
        if (bearerToken === "") throw error;
      }
    }
    verifyBearerToken(pki, bearerToken, { key: authority.privateKeyDer, nowMs: clock.now() });
    const named = asked.commonName === "" ? claimed : nodeNameOf(asked);
    if (claimed !== "" && named !== claimed) throw nodeNameContradiction(claimed, named);
    nodeSubject(named);
    if (isConnected(named)) throw nameInUse(named);
    return { nodeName: named, isRenewal: false };
  }

  /** A token is for edge nodes: with it nobody becomes one of the cluster's other nodes. */
  async #refuseForeignNode(nodeName: string): Promise<void> {
    try {
      const node = await this.#options.api.get({ resource: nodes, name: nodeName });
      if (node.metadata.labels?.[EDGE_ROLE_LABEL] === undefined) throw notAnEdgeNode(nodeName);
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }

  /** `keadm join` asks before it has a certificate whether the name is free. */
  async #checkNode(nodeName: string): Promise<EnrolmentResponse> {
    // Anybody may ask: what cannot be a node does not reach the API server.
    if (!isNodeName(nodeName)) return text(404, "Node not found");
    try {
      await this.#options.api.get({ resource: nodes, name: nodeName });
      return text(200, "Node found");
    } catch (error) {
      if (isApiError(error, "NotFound")) return text(404, "Node not found");
      this.#options.logger.warn("A node could not be looked up", { node: nodeName, error: describeError(error) });
      return text(500, "Failed to query node information");
    }
  }
}

function statusOf(code: string): number {
  if (code === "CLOUDHUB_NAME_IN_USE" || code === "CLOUDHUB_NOT_AN_EDGE_NODE") return 409;
  if (code.startsWith("KUBE_")) return 503;
  if (code === "PKI_REQUEST_INVALID" || code === "PKI_NODE_NAME_INVALID" || code === "PKI_IDENTITY_UNKNOWN") return 400;
  return 401;
}

function text(status: number, body: string, headers: Record<string, string> = {}): EnrolmentResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    body: new Uint8Array(Buffer.from(body, "utf8")),
  };
}

function binary(body: Uint8Array): EnrolmentResponse {
  return { status: 200, headers: { "content-type": "application/octet-stream" }, body };
}

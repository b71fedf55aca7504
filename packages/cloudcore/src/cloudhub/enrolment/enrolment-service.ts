import { nodes } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type Logger } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import {
  certificatePem,
  isNodeName,
  type KeyedCertificate,
  nodeNameOf,
  nodeSubject,
  type Pki,
  skerryTokenSecretOf,
  verifyBearerToken,
} from "@skerry/pki";
import type { JoinTokenRecords } from "../credentials/join-token-records.ts";
import { AUTHORITY_ANNOTATION } from "../credentials/next-authority.ts";
import {
  nameInUse,
  nameTaken,
  nodeNameContradiction,
  nodeRevoked,
  notAnEdgeNode,
  renewalWindowOver,
} from "../errors.ts";
import type { NodeTrust, TrustedNode } from "../trust/node-trust.ts";
import { AttemptLimiter, type AttemptLimits } from "./attempt-limiter.ts";

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
  /** The authority that is to take its place, while it changes. */
  readonly nextAuthority?: KeyedCertificate;
  readonly edgeCertificateValidityMs: number;
  /** How long after its end a certificate can still be renewed by itself. */
  readonly renewalWindowMs: number;
  readonly trust: NodeTrust;
  readonly tokens: Pick<JoinTokenRecords, "check" | "use">;
  /** A node that proved itself by a certificate has got a new one. */
  readonly onRenewed?: (renewal: NodeRenewal) => void;
  /** Whether the node has a live session just now, at this CloudCore or another. */
  readonly isConnected: (nodeName: string) => boolean | Promise<boolean>;
}

/** A node's certificate and the one that follows it. */
export interface NodeRenewal {
  readonly nodeName: string;
  /** SHA-256 of the certificate that the node came with, hex. */
  readonly oldFingerprint: string;
  /** End of the new one, wall clock in ms. */
  readonly notAfterMs: number;
}

/** What a certificate request says of itself. */
type Asked = Awaited<ReturnType<Pki["readCertificateRequest"]>>;

/** Says that a node takes its authorities from `/ca-bundle.crt`. */
const BUNDLE_HEADER = "skerry-ca-bundle";

/** Anybody may ask whether a node exists, and each question is one to the API server; many may share an address. */
const LOOKUPS: AttemptLimits = { maxAttempts: 60, windowMs: 60_000, maxKeys: 1_000 };

/** Label of edge nodes' Node objects. */
const EDGE_ROLE_LABEL = "node-role.kubernetes.io/edge";

/**
 * CloudCore's HTTPS port: the authority's certificate, certificates for edge nodes, whether a node exists (security.md 2).
 * What is in a certificate is decided here: the node's name, the group `system:nodes`, client authentication only; of
 * the request nothing but its key counts (S2).
 *
 * A node proves itself by its certificate, else by a join token. Skerry's own are for one name, or for so many new nodes.
 * KubeEdge's token enrols any name, as there, so that a machine that lost its key can come back. With no token anybody
 * gets a name whose node is connected just now, so that nobody can push a running node aside, or the name of a node of
 * the cluster that is no edge node.
 */
export class EnrolmentService {
  readonly #options: EnrolmentServiceOptions;
  /** Refused requests, by address. */
  readonly #refusals: AttemptLimiter;
  /** Certificates, by node. */
  readonly #renewals: AttemptLimiter;
  /** Questions for the authorities, by node: each is noted at the Node. */
  readonly #bundles: AttemptLimiter;
  /** Questions whether a node exists, by address. */
  readonly #lookups: AttemptLimiter;

  constructor(options: EnrolmentServiceOptions) {
    this.#options = options;
    this.#refusals = new AttemptLimiter(options.clock);
    this.#renewals = new AttemptLimiter(options.clock);
    this.#bundles = new AttemptLimiter(options.clock);
    this.#lookups = new AttemptLimiter(options.clock, LOOKUPS);
  }

  /** Answers one request; never throws. */
  async handle(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const waitMs = this.#refusals.waitMs(request.remoteAddress);
    if (waitMs > 0) return later("Too many failed requests from this address", waitMs);
    try {
      const response = await this.#route(request);
      if (response.status === 400 || response.status === 401) this.#refusals.count(request.remoteAddress);
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
    const isKnown =
      request.path === "/ca.crt" ||
      request.path === "/ca-bundle.crt" ||
      request.path === "/edge.crt" ||
      nodePath !== null;
    if (!isKnown) return text(404, "404 page not found");
    if (request.method !== "GET") return text(405, "Only GET is served here", { allow: "GET" });
    if (request.path === "/ca.crt") return binary(this.#options.authority.certificateDer);
    if (request.path === "/ca-bundle.crt") return this.#bundle(request);
    if (request.path === "/edge.crt") return this.#enrol(request);
    return this.#checkNode(nodePath?.[1] ?? "", request.remoteAddress);
  }

  /**
   * All authorities that are trusted, the one to come last. A node that asks with its certificate is noted as having
   * moved, or not.
   */
  async #bundle(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const { authority, nextAuthority, trust, api, pki, logger } = this.#options;
    if (request.clientCertificateDer && nextAuthority) {
      try {
        const { nodeName, authorityDer } = trust.identify(request.clientCertificateDer);
        const waitMs = this.#bundles.waitMs(nodeName);
        if (waitMs > 0) return later("This node asks for the authorities too often", waitMs);
        this.#bundles.count(nodeName);
        const annotations = { [AUTHORITY_ANNOTATION]: pki.readCertificate(authorityDer).fingerprint };
        await api.patch({ resource: nodes, name: nodeName }, { type: "merge", body: { metadata: { annotations } } });
      } catch (error) {
        logger.debug("It could not be noted which authority a node has", { error: describeError(error) });
      }
    }
    const all = nextAuthority ? [authority, nextAuthority] : [authority];
    return text(200, all.map(({ certificateDer }) => certificatePem(certificateDer)).join(""));
  }

  async #enrol(request: EnrolmentRequest): Promise<EnrolmentResponse> {
    const { pki, logger, nextAuthority } = this.#options;
    // A node that follows the bundle trusts the next authority; KubeEdge's do not know of it.
    const follows = request.headers[BUNDLE_HEADER] === "true";
    const authority = follows && nextAuthority ? nextAuthority : this.#options.authority;
    try {
      const asked = await pki.readCertificateRequest(request.body);
      const certified = this.#certifiedNode(request);
      if (certified) {
        const waitMs = this.#renewals.waitMs(certified.nodeName);
        if (waitMs > 0) return later("This node renews its certificate too often", waitMs);
        this.#renewals.count(certified.nodeName);
      }
      const nodeName = certified?.nodeName ?? (await this.#admit(request, asked));
      const notAfterMs = this.#options.clock.now() + this.#options.edgeCertificateValidityMs;
      const certificateDer = await pki.signCertificateRequest(authority, request.body, {
        ...nodeSubject(nodeName),
        usages: ["clientAuth"],
        validity: { notBeforeMs: this.#options.trust.notBeforeMs(nodeName), notAfterMs },
      });
      if (certified) this.#options.onRenewed?.({ nodeName, oldFingerprint: certified.facts.fingerprint, notAfterMs });
      logger.info(certified ? "A node renewed its certificate" : "A node was enrolled", {
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

  /** The node of the request's certificate; undefined when it has none, or a bad one beside a token (S15). */
  #certifiedNode(request: EnrolmentRequest): TrustedNode | undefined {
    const { pki, trust, renewalWindowMs } = this.#options;
    if (!request.clientCertificateDer) return undefined;
    try {
      const node = trust.identify(request.clientCertificateDer, renewalWindowMs);
      const claimed = request.headers["nodename"] ?? "";
      if (claimed !== "" && claimed !== node.nodeName) throw nodeNameContradiction(claimed, node.nodeName);
      return node;
    } catch (error) {
      if (bearerTokenOf(request) !== "") return undefined;
      if (!isSkerryError(error, "PKI_CERTIFICATE_EXPIRED")) throw error;
      throw renewalWindowOver(pki.readCertificate(request.clientCertificateDer).notAfterMs, renewalWindowMs);
    }
  }

  /** The node that a token vouches for. The token is looked at before anything else is told, and used up at the end. */
  async #admit(request: EnrolmentRequest, asked: Asked): Promise<string> {
    const { pki, clock, authority, isConnected, tokens, trust } = this.#options;
    const bearerToken = bearerTokenOf(request);
    const own = skerryTokenSecretOf(bearerToken);
    if (!own) verifyBearerToken(pki, bearerToken, { key: authority.privateKeyDer, nowMs: clock.now() });
    const nodeName = namedNode(request, asked);
    const claim = { nodeName, keyFingerprint: asked.publicKeyFingerprint, nowMs: clock.now() };
    const checked = own && (await tokens.check(own, claim));
    const revocation = trust.revocationOf(nodeName);
    if (revocation && (checked?.record.createdAtMs ?? 0) <= revocation.cutoffMs) throw nodeRevoked(nodeName);
    if (await isConnected(nodeName)) throw nameInUse(nodeName);
    const exists = await this.#edgeNodeExists(nodeName);
    if (exists && checked?.record.scope.kind === "batch" && !checked.isRepeat) throw nameTaken(nodeName);
    if (own && !checked?.isRepeat) await tokens.use(own, claim);
    return nodeName;
  }

  /** A token is for edge nodes: with it nobody becomes one of the cluster's other nodes. */
  async #edgeNodeExists(nodeName: string): Promise<boolean> {
    try {
      const node = await this.#options.api.get({ resource: nodes, name: nodeName });
      if (node.metadata.labels?.[EDGE_ROLE_LABEL] === undefined) throw notAnEdgeNode(nodeName);
      return true;
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      return false;
    }
  }

  /** `keadm join` asks before it has a certificate whether the name is free. */
  async #checkNode(nodeName: string, remoteAddress: string): Promise<EnrolmentResponse> {
    // Anybody may ask: what cannot be a node does not reach the API server.
    if (!isNodeName(nodeName)) return text(404, "Node not found");
    const waitMs = this.#lookups.waitMs(remoteAddress);
    if (waitMs > 0) return later("Too many questions for nodes from this address", waitMs);
    this.#lookups.count(remoteAddress);
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

/** The second word of the header, as KubeEdge reads it. */
function bearerTokenOf(request: EnrolmentRequest): string {
  return (request.headers["authorization"] ?? "").trim().split(/\s+/)[1] ?? "";
}

/** The node that wants a certificate. The header and the certificate request must agree. */
function namedNode(request: EnrolmentRequest, asked: Asked): string {
  const claimed = request.headers["nodename"] ?? "";
  const named = asked.commonName === "" ? claimed : nodeNameOf(asked);
  if (claimed !== "" && named !== claimed) throw nodeNameContradiction(claimed, named);
  nodeSubject(named);
  return named;
}

const CONFLICTS: ReadonlySet<string> = new Set([
  "CLOUDHUB_NAME_IN_USE",
  "CLOUDHUB_NAME_TAKEN",
  "CLOUDHUB_NOT_AN_EDGE_NODE",
]);

function statusOf(code: string): number {
  if (CONFLICTS.has(code)) return 409;
  if (code === "CLOUDHUB_NODE_REVOKED") return 403;
  if (code.startsWith("KUBE_") || code === "CLOUDHUB_TOKEN_BUSY") return 503;
  if (code === "PKI_REQUEST_INVALID" || code === "PKI_NODE_NAME_INVALID" || code === "PKI_IDENTITY_UNKNOWN") return 400;
  return 401;
}

function later(reason: string, waitMs: number): EnrolmentResponse {
  return text(429, reason, { "retry-after": String(Math.ceil(waitMs / 1000)) });
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

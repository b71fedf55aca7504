import type { KeyedCertificate } from "@skerry/pki";

/** Whose certificate the server must show. */
export type ServerTrust =
  /** Nobody's: only for fetching the authority, which the join token then proves (security.md 5, step 3). */
  { readonly kind: "anyone" } | { readonly kind: "authorities"; readonly authoritiesDer: readonly Uint8Array[] };

/** One GET to CloudCore's HTTPS port. KubeEdge sends a body with it (security.md 2.2). */
export interface EnrolmentRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly trust: ServerTrust;
  /** The node's certificate, when it has one. */
  readonly identity?: KeyedCertificate;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
}

export interface EnrolmentResponse {
  readonly status: number;
  readonly body: Uint8Array;
}

/** The way to CloudCore's HTTPS port. */
export interface EnrolmentHttp {
  /** @throws SkerryError `ENROLMENT_UNREACHABLE`, `ENROLMENT_ANSWER_TOO_LARGE`, or the signal's reason */
  get(request: EnrolmentRequest, signal: AbortSignal): Promise<EnrolmentResponse>;
}

/** Whom a node with these credentials trusts. */
export function trustedBy({
  authorityDer,
  nextAuthorityDer,
}: Pick<NodeCredentials, "authorityDer" | "nextAuthorityDer">): readonly Uint8Array[] {
  return nextAuthorityDer ? [authorityDer, nextAuthorityDer] : [authorityDer];
}

/** The node's certificate and the authority that issued it. */
export interface NodeCredentials extends KeyedCertificate {
  readonly authorityDer: Uint8Array;
  /** The authority that is to take its place, while it changes; either may have issued the certificate. */
  readonly nextAuthorityDer?: Uint8Array;
}

/** Where the node keeps its credentials. */
export interface CredentialStore {
  /** What people call the place, for messages. */
  readonly location: string;
  /** Undefined unless authority, certificate and matching key are there. */
  read(): Promise<NodeCredentials | undefined>;
  /** Replaces all at once: after a crash in between either the old or the new ones are read. */
  write(credentials: NodeCredentials): Promise<void>;
  /** Id of the Skerry token that the node last enrolled with; undefined when that is not known. */
  readTokenId(): Promise<string | undefined>;
  writeTokenId(id: string): Promise<void>;
  /** The key (SEC 1 DER) of an enrolment that may have been granted although its answer never came. */
  readPendingKey(): Promise<Uint8Array | undefined>;
  /** Keeps a key until `write`: a token for one node lets only the same key enrol again. */
  writePendingKey(privateKeyDer: Uint8Array): Promise<void>;
}

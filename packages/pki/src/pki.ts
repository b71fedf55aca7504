/** What a certificate's key may prove in TLS. */
export type CertificateUsage = "serverAuth" | "clientAuth";

/** When a certificate holds; milliseconds since the Unix epoch, second precision in the certificate. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A certificate with its private key, in the encodings that files and Secrets hold (security.md 1 and 4.1). */
export interface KeyedCertificate {
  /** X.509 certificate, DER. */
  readonly certificateDer: Uint8Array;
  /** Private key, SEC 1 DER (KubeEdge's Secrets). */
  readonly privateKeyDer: Uint8Array;
}

export interface CertificateAuthorityOptions {
  /** @default "KubeEdge", the name of KubeEdge's own CA */
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly validity: Validity;
}

/** Everything in a certificate that its issuer decides. */
export interface CertificateOptions {
  readonly commonName: string;
  /** Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly usages: readonly CertificateUsage[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly validity: Validity;
}

/** A request for a certificate and the key that it is for. */
export interface CertificateRequest {
  /** PKCS#10, DER. */
  readonly requestDer: Uint8Array;
  /** Private key, SEC 1 DER. */
  readonly privateKeyDer: Uint8Array;
}

/** What a request asks for. */
export interface CertificateRequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SHA-256 of the public key (SPKI DER), lower-case hex. */
  readonly publicKeyFingerprint: string;
}

/** What a certificate says. Nothing of it counts before {@link Pki.verifyCertificate} has passed. */
export interface CertificateFacts extends Validity {
  /** Empty when there is none, or more than one. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly usages: readonly CertificateUsage[];
  readonly isCertificateAuthority: boolean;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly fingerprint: string;
  /** SHA-256 of its public key (SPKI DER), lower-case hex; tells whether two certificates are for one key. */
  readonly publicKeyFingerprint: string;
}

/** What must hold for a certificate besides its signature. */
export interface VerificationOptions {
  readonly usage: CertificateUsage;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** How long after its end the certificate still counts. @default 0 */
  readonly expiredGraceMs?: number;
}

/** Keys, certificates and digests; real in `platform/`. All keys are ECDSA P-256. */
export interface Pki {
  /** A self-signed authority made like KubeEdge's (security.md 4.2). */
  createCertificateAuthority(options: CertificateAuthorityOptions): Promise<KeyedCertificate>;
  /** A new key and its certificate, signed by `authority`. */
  issueCertificate(authority: KeyedCertificate, options: CertificateOptions): Promise<KeyedCertificate>;
  /**
   * A request with the given subject for the given key (SEC 1 DER), else for a new one; the signer decides what becomes
   * of the subject.
   * @throws SkerryError `PKI_PRIVATE_KEY_INVALID`
   */
  createCertificateRequest(
    subject: { readonly commonName: string; readonly organizations?: readonly string[] },
    privateKeyDer?: Uint8Array,
  ): Promise<CertificateRequest>;
  /**
   * Certifies the key of a PKCS#10 request. Nothing but the key is taken from the request.
   * @returns the certificate, DER
   * @throws SkerryError `PKI_REQUEST_INVALID` when it is malformed or not signed by its own key
   */
  signCertificateRequest(
    authority: KeyedCertificate,
    requestDer: Uint8Array,
    options: CertificateOptions,
  ): Promise<Uint8Array>;
  /**
   * The subject and the names that a request asks for, for the log and for comparing; its signature is verified.
   * @throws SkerryError `PKI_REQUEST_INVALID`
   */
  readCertificateRequest(requestDer: Uint8Array): Promise<CertificateRequestFacts>;
  /** @throws SkerryError `PKI_CERTIFICATE_INVALID` when the bytes are no certificate */
  readCertificate(certificateDer: Uint8Array): CertificateFacts;
  /**
   * Checks that `authorityDer` has signed the certificate, and that it holds now and for the usage.
   * @throws SkerryError `PKI_CERTIFICATE_INVALID`, `PKI_CERTIFICATE_WRONG_AUTHORITY`, `PKI_CERTIFICATE_EXPIRED`,
   * `PKI_CERTIFICATE_NOT_YET_VALID`, `PKI_CERTIFICATE_WRONG_USAGE`
   */
  verifyCertificate(
    certificateDer: Uint8Array,
    authorityDer: Uint8Array,
    options: VerificationOptions,
  ): CertificateFacts;
  /** Whether the private key (SEC 1 DER) belongs to the certificate. */
  keyMatches(pair: KeyedCertificate): boolean;
  /** Bytes that nobody can guess. */
  randomBytes(length: number): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
}

import { type Clock, isSkerryError } from "@skerry/base";
import { type CertificateFacts, nodeNameOf, type Pki } from "@skerry/pki";
import { CLOCK_TOLERANCE_MS } from "../credentials/cloud-credentials.ts";
import { nodeRevoked } from "../errors.ts";
import type { NodeRevocation } from "./node-revocations.ts";

export interface NodeTrustOptions {
  readonly pki: Pick<Pki, "verifyCertificate">;
  readonly clock: Clock;
  /** The authorities of the nodes' certificates, DER: one, or the old and the new one while they change. */
  readonly authoritiesDer: readonly Uint8Array[];
  readonly revocations: { get(nodeName: string): NodeRevocation | undefined };
}

/** A certificate that is good, and the node it stands for. */
export interface TrustedNode {
  readonly nodeName: string;
  readonly facts: CertificateFacts;
  /** Which authority has signed the certificate, DER. */
  readonly authorityDer: Uint8Array;
}

/** Whom CloudCore believes to be which node; all its ports for edges ask here. */
export class NodeTrust {
  readonly #options: NodeTrustOptions;

  constructor(options: NodeTrustOptions) {
    this.#options = options;
  }

  /**
   * The node that a client certificate stands for (security.md 7). `expiredGraceMs`: how long after its end it counts.
   * @throws SkerryError `PKI_IDENTITY_UNKNOWN`, `CLOUDHUB_NODE_REVOKED` and what {@link Pki.verifyCertificate} throws
   */
  identify(certificateDer: Uint8Array, expiredGraceMs = 0): TrustedNode {
    const { facts, authorityDer } = this.#verify(certificateDer, expiredGraceMs);
    const nodeName = nodeNameOf(facts);
    const revocation = this.revocationOf(nodeName);
    if (revocation && facts.notBeforeMs <= revocation.cutoffMs) throw nodeRevoked(nodeName);
    return { nodeName, facts, authorityDer };
  }

  #verify(
    certificateDer: Uint8Array,
    expiredGraceMs: number,
  ): { readonly facts: CertificateFacts; readonly authorityDer: Uint8Array } {
    const { pki, clock, authoritiesDer } = this.#options;
    let refusal: unknown;
    for (const authorityDer of authoritiesDer) {
      try {
        const options = { usage: "clientAuth", nowMs: clock.now(), expiredGraceMs } as const;
        return { facts: pki.verifyCertificate(certificateDer, authorityDer, options), authorityDer };
      } catch (error) {
        // What the authority that has signed it says counts; the other one only says that it has not.
        if (!refusal || !isSkerryError(error, "PKI_CERTIFICATE_WRONG_AUTHORITY")) refusal = error;
      }
    }
    throw refusal;
  }

  revocationOf(nodeName: string): NodeRevocation | undefined {
    return this.#options.revocations.get(nodeName);
  }

  /**
   * From when a new certificate of the node holds: a little before now, because clocks differ, but after the moment at
   * which it was put out, by which its old certificates are told from the new one.
   */
  notBeforeMs(nodeName: string): number {
    const usualMs = this.#options.clock.now() - CLOCK_TOLERANCE_MS;
    const revocation = this.revocationOf(nodeName);
    if (!revocation) return usualMs;
    // Certificates know whole seconds only.
    return Math.max(usualMs, (Math.floor(revocation.cutoffMs / 1000) + 1) * 1000);
  }
}

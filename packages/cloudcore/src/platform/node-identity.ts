import type { X509Certificate } from "node:crypto";
import type { Clock } from "@skerry/base";
import type { PeerIdentity } from "@skerry/link";
import { nodeNameOf } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";

/**
 * Tells which node a client certificate stands for (security.md 7); KubeEdge's own edges have the same form. It verifies
 * the certificate although TLS has: a resumed TLS session brings the certificate without looking at its time again.
 * What it returns throws `PKI_IDENTITY_UNKNOWN` and the errors of {@link systemPki.verifyCertificate}.
 */
export function nodeIdentifier(authorityDer: Uint8Array, clock: Clock): (certificate: X509Certificate) => PeerIdentity {
  return (certificate) => {
    const facts = systemPki.verifyCertificate(certificate.raw, authorityDer, {
      usage: "clientAuth",
      nowMs: clock.now(),
    });
    return {
      name: nodeNameOf(facts),
      groups: facts.organizations,
      certificateFingerprint: facts.fingerprint,
      certificateExpiresAtMs: facts.notAfterMs,
    };
  };
}

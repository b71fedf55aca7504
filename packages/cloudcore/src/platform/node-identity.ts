import type { X509Certificate } from "node:crypto";
import type { PeerIdentity } from "@skerry/link";
import type { NodeTrust } from "../cloudhub/index.ts";

/**
 * Tells which node a client certificate stands for (security.md 7); KubeEdge's own edges have the same form. It verifies
 * the certificate although TLS has: a resumed TLS session brings the certificate without looking at its time again.
 * What it returns throws what {@link NodeTrust.identify} throws.
 */
export function nodeIdentifier(trust: Pick<NodeTrust, "identify">): (certificate: X509Certificate) => PeerIdentity {
  return (certificate) => {
    const { nodeName, facts } = trust.identify(certificate.raw);
    return {
      name: nodeName,
      groups: facts.organizations,
      certificateFingerprint: facts.fingerprint,
      certificateExpiresAtMs: facts.notAfterMs,
    };
  };
}

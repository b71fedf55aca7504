import type { X509Certificate } from "node:crypto";
import type { PeerIdentity } from "@skerry/link";
import { nodeNameOf } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";

/**
 * The node that a verified client certificate stands for (security.md 7); KubeEdge's own edges have the same form.
 * @throws SkerryError `PKI_IDENTITY_UNKNOWN`
 */
export function nodeIdentity(certificate: X509Certificate): PeerIdentity {
  const facts = systemPki.readCertificate(certificate.raw);
  return { name: nodeNameOf(facts), groups: facts.organizations, certificateFingerprint: facts.fingerprint };
}

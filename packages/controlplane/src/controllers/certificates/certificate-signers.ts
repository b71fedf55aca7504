import type { CertificateOptions, CertificateRequestFacts, CertificateUsage } from "@skerry/pki";

const YEAR_SECONDS = 365 * 24 * 3600;
/** Kubernetes backdates what it signs, for clocks that are behind. */
const BACKDATED_MS = 5 * 60_000;
const NODES = "system:nodes";
const NODE_USER = /^system:node:.+/;
const ALWAYS_ALLOWED = ["digital signature", "key encipherment"];

/** The part of a CertificateSigningRequest's spec that its signer reads. */
export interface SigningRequest {
  readonly signerName: string;
  readonly usages?: readonly string[];
  readonly expirationSeconds?: number;
}

/** What a signer makes of an approved request. */
export type SigningDecision =
  | { readonly type: "sign"; readonly options: CertificateOptions }
  /** Approved or not, it is none that this signer may sign. */
  | { readonly type: "refuse"; readonly reason: string }
  /** Another signer's. */
  | { readonly type: "foreign" };

interface Signer {
  readonly usage: CertificateUsage;
  readonly neededUsage: string;
  /** Why the request is none of this signer's kind; undefined when it is one. */
  refusal(asked: CertificateRequestFacts): string | undefined;
}

/** Kubernetes' own signers, with the rules that it documents for them. */
const SIGNERS: Readonly<Record<string, Signer>> = {
  "kubernetes.io/kube-apiserver-client": {
    usage: "clientAuth",
    neededUsage: "client auth",
    refusal: ({ organizations }) =>
      organizations.includes("system:masters") ? "the group system:masters is not given away so" : undefined,
  },
  "kubernetes.io/kube-apiserver-client-kubelet": {
    usage: "clientAuth",
    neededUsage: "client auth",
    refusal: (asked) =>
      nodeRefusal(asked) ??
      (asked.dnsNames.length + asked.ipAddresses.length > 0 ? "a node's client certificate has no names" : undefined),
  },
  "kubernetes.io/kubelet-serving": {
    usage: "serverAuth",
    neededUsage: "server auth",
    refusal: (asked) =>
      nodeRefusal(asked) ??
      (asked.dnsNames.length + asked.ipAddresses.length === 0 ? "it asks for no DNS name and no address" : undefined),
  },
};

/** Decides what becomes of an approved request. */
export function decideSigning(
  { signerName, usages = [], expirationSeconds = YEAR_SECONDS }: SigningRequest,
  asked: CertificateRequestFacts,
  nowMs: number,
): SigningDecision {
  const signer = Object.hasOwn(SIGNERS, signerName) ? SIGNERS[signerName] : undefined;
  if (!signer) return { type: "foreign" };
  const { usage, neededUsage } = signer;
  const unknown = usages.find((name) => name !== neededUsage && !ALWAYS_ALLOWED.includes(name));
  const refusal =
    (usages.includes(neededUsage) ? undefined : `its usages lack "${neededUsage}"`) ??
    (unknown === undefined ? undefined : `the usage "${unknown}" is not for this signer`) ??
    (asked.commonName === "" ? "its subject has no common name" : undefined) ??
    signer.refusal(asked);
  if (refusal !== undefined) return { type: "refuse", reason: refusal };
  const seconds = Math.min(expirationSeconds, YEAR_SECONDS);
  const { commonName, organizations, dnsNames, ipAddresses } = asked;
  return {
    type: "sign",
    options: {
      ...{ commonName, organizations, usages: [usage] },
      ...(usage === "serverAuth" ? { dnsNames, ipAddresses } : {}),
      validity: { notBeforeMs: nowMs - BACKDATED_MS, notAfterMs: nowMs + seconds * 1000 },
    },
  };
}

function nodeRefusal({ commonName, organizations }: CertificateRequestFacts): string | undefined {
  if (organizations.join() !== NODES) return `its organization is not ${NODES}`;
  return NODE_USER.test(commonName) ? undefined : "its common name is not system:node:NAME";
}

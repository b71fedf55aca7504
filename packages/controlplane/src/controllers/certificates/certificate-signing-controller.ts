import { type Condition, type KubernetesObject, certificateSigningRequests as resource } from "@skerry/api";
import { fromBase64, isSkerryError, toBase64, toKubernetesTime } from "@skerry/base";
import { Informer, isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { certificatePem, decodePem, type KeyedCertificate, type Pki } from "@skerry/pki";
import { withoutManagedFields } from "../cluster-informers.ts";
import { findCondition, withCondition } from "../conditions.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { decideSigning, type SigningRequest } from "./certificate-signers.ts";

interface CertificateSigningRequest extends KubernetesObject {
  readonly spec: SigningRequest & { readonly request: string };
  readonly status?: { readonly certificate?: string; readonly conditions?: readonly Condition[] };
}

/** What certificates are signed with. */
export interface SigningAuthority {
  readonly pki: Pki;
  readonly authority: KeyedCertificate;
}

/** Signs certificate requests of Kubernetes' own signers once somebody has approved them; approves none itself. */
export class CertificateSigningController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #signing: SigningAuthority;
  readonly #informer: Informer<CertificateSigningRequest>;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, signing: SigningAuthority) {
    this.#ports = ports;
    this.#signing = signing;
    this.#informer = new Informer({ ...ports, target: { resource }, transform: withoutManagedFields });
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("certificate-signing"),
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    this.#listening.use(this.#informer.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#informer.start();
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#informer[Symbol.asyncDispose]();
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    const request = this.#informer.cache.get(name);
    if (!request || !waitsForSigner(request)) return;
    const { api, clock } = this.#ports;
    const outcome = await this.#outcomeFor(request);
    if (outcome === undefined) return;
    const { conditions } = request.status ?? {};
    const time = toKubernetesTime(clock.now());
    const status =
      "certificate" in outcome
        ? { ...request.status, certificate: outcome.certificate }
        : {
            ...request.status,
            conditions: withCondition(conditions, {
              ...{ type: "Failed", status: "True", reason: "SignerValidationFailure", message: outcome.refusal },
              ...{ lastTransitionTime: time, lastUpdateTime: time },
            }),
          };
    try {
      await api.update({ resource, name, subresource: "status" }, { ...request, status }, { signal });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }

  /** The certificate, base64 of its PEM; why there will be none; undefined when the request is another signer's. */
  async #outcomeFor({
    spec,
  }: CertificateSigningRequest): Promise<{ certificate: string } | { refusal: string } | undefined> {
    const { pki, authority } = this.#signing;
    try {
      const der = decodePem(new TextDecoder().decode(fromBase64(spec.request)), "CERTIFICATE REQUEST");
      const decision = decideSigning(spec, await pki.readCertificateRequest(der), this.#ports.clock.now());
      switch (decision.type) {
        case "foreign":
          return undefined;
        case "refuse":
          return { refusal: decision.reason };
        case "sign": {
          const certificate = await pki.signCertificateRequest(authority, der, decision.options);
          return { certificate: toBase64(new TextEncoder().encode(certificatePem(certificate))) };
        }
      }
    } catch (error) {
      if (isSkerryError(error) && error.code.startsWith("PKI_")) return { refusal: error.message };
      throw error;
    }
  }
}

function waitsForSigner({ status }: CertificateSigningRequest): boolean {
  const has = (type: string): boolean => findCondition(status?.conditions, type)?.status === "True";
  return status?.certificate === undefined && has("Approved") && !has("Denied") && !has("Failed");
}

import { type KubernetesObject, secrets as resource } from "@skerry/api";
import { Informer, isApiError, objectKey, WorkQueue } from "@skerry/kube";
import {
  BOOTSTRAP_TOKEN_NAMESPACE,
  BOOTSTRAP_TOKEN_TYPE,
  expirationMs,
  type TokenSecret,
} from "../../authentication/bootstrap-token-secret.ts";
import { withoutManagedFields } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";

/** Timers do not reach further; what is due later is looked at again then. */
const LONGEST_WAIT_MS = 24 * 3600 * 1000;

/** Deletes bootstrap tokens that have expired. */
export class BootstrapTokenCleaner implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informer: Informer<KubernetesObject & TokenSecret>;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts) {
    this.#ports = ports;
    this.#informer = new Informer({
      ...ports,
      target: { resource, namespace: BOOTSTRAP_TOKEN_NAMESPACE },
      fieldSelector: `type=${BOOTSTRAP_TOKEN_TYPE}`,
      transform: withoutManagedFields,
    });
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("bootstrap-token-cleaner"),
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

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const secret = this.#informer.cache.get(key);
    if (!secret) return;
    const endMs = expirationMs(secret);
    if (endMs === undefined) return;
    const leftMs = endMs - this.#ports.clock.now();
    if (leftMs > 0) {
      this.#queue.addAfter(key, Math.min(leftMs, LONGEST_WAIT_MS));
      return;
    }
    const { name, uid = "" } = secret.metadata;
    try {
      const target = { resource, namespace: BOOTSTRAP_TOKEN_NAMESPACE, name };
      await this.#ports.api.delete(target, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}

import type { Pod, PodStatus } from "@skerry/api";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { forgetPod, rememberPod } from "../edged-tables.ts";
import type { PodIdentity } from "./runtime-names.ts";
import { podStatusPatch, saysTheSame } from "./status-patch.ts";

/** A cloud that keeps saying something else is told again at most this often. */
const CORRECTION_PERIOD_MS = 5000;

/** Reports one pod's status: what is remembered and what is sent are one transaction. */
export class StatusReporter {
  readonly #meta: MetaClient;
  readonly #pod: PodIdentity;
  #last: PodStatus | undefined;
  /** What was last reported, and the UID by which the cloud knows the pod. */
  #lastText: string;
  #correctedAtMs = Number.NEGATIVE_INFINITY;
  /** The cloud's copy that was last compared. */
  #comparedVersion: string | undefined;

  constructor(meta: MetaClient, pod: PodIdentity, last: PodStatus | undefined) {
    this.#meta = meta;
    this.#pod = pod;
    this.#last = last;
    this.#lastText = JSON.stringify([pod.uid, last ?? null]);
  }

  /** The status last reported. */
  get last(): PodStatus | undefined {
    return this.#last;
  }

  /** The next {@link report} reports, whatever the cloud had before. */
  reportAgain(): void {
    this.#lastText = "";
  }

  /**
   * Reports the status if it is new, or if the cloud's copy came to say something else (its node controller did).
   * @param copy the pod as the cloud has it; while it has none, the status is only remembered
   */
  async report(copy: Pod | undefined, status: PodStatus, monotonicMs: number): Promise<void> {
    const { namespace, name } = this.#pod;
    const uid = copy?.metadata.uid;
    const text = JSON.stringify([uid, status]);
    if (text === this.#lastText && !(copy && this.#needsCorrection(copy, status, monotonicMs))) return;
    await this.#meta.transaction((transaction) => {
      rememberPod(transaction, this.#pod, status);
      if (uid === undefined) return;
      this.#meta.outbox.put(transaction, {
        key: statusKey(this.#pod),
        source: "edged",
        group: "meta",
        operation: "patch",
        resource: `${namespace}/podpatch/${name}`,
        content: podStatusPatch(uid, status),
      });
    });
    this.#last = status;
    this.#lastText = text;
  }

  /** Tells the cloud that nothing of the pod is left here, so that it may remove the object (U12). */
  async reportRemoved(): Promise<void> {
    const { namespace, name, uid } = this.#pod;
    await this.#meta.transaction((transaction) =>
      this.#meta.outbox.put(transaction, {
        key: removalKey(this.#pod),
        source: "edged",
        group: "meta",
        operation: "delete",
        resource: `${namespace}/pod/${name}`,
        content: { gracePeriodSeconds: 0, preconditions: { uid } },
      }),
    );
  }

  /** The pod is gone from the store: nothing about it needs to be remembered or sent. */
  async forget(): Promise<void> {
    await this.#meta.transaction((transaction) => {
      forgetPod(transaction, this.#pod.uid);
      this.#meta.outbox.remove(transaction, removalKey(this.#pod));
      this.#meta.outbox.remove(transaction, statusKey(this.#pod));
    });
  }

  #needsCorrection(pod: Pod, status: PodStatus, monotonicMs: number): boolean {
    const version = pod.metadata.resourceVersion;
    if (version === this.#comparedVersion) return false;
    if (saysTheSame(pod.status, status)) {
      this.#comparedVersion = version;
      return false;
    }
    if (monotonicMs - this.#correctedAtMs < CORRECTION_PERIOD_MS) return false;
    if (this.#meta.read((reader) => this.#meta.outbox.has(reader, statusKey(this.#pod)))) return false;
    this.#comparedVersion = version;
    this.#correctedAtMs = monotonicMs;
    return true;
  }
}

/** By UID: a newer pod of the same name may report while this one still ends. */
function statusKey(pod: PodIdentity): string {
  return `podpatch/${pod.namespace}/${pod.name}/${pod.uid}`;
}

function removalKey(pod: PodIdentity): string {
  return `poddelete/${pod.namespace}/${pod.name}/${pod.uid}`;
}

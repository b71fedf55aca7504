import type { KubernetesObject } from "@skerry/api";
import type { Clock } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import type { ObjectLookup } from "../container/environment.ts";
import { referenceMissing } from "../errors.ts";

/** An object found missing in the cloud is not asked for again before this; its arrival is seen at once anyway. */
const ABSENT_FOR_MS = 30_000;
/** So long the cloud is waited for when the pod can do without: a link may be dead and not known to be. */
const OPTIONAL_PATIENCE_MS = 2_000;

/** Looks objects of a namespace up in the store, and only what was never stored in the cloud. */
export function objectLookup(
  meta: MetaClient,
  clock: Clock,
  namespace: string,
  absentUntilMs: Map<string, number>,
  signal: () => AbortSignal,
): ObjectLookup {
  return async <T extends KubernetesObject>(type: "configmap" | "secret", name: string, optional: boolean) => {
    const key = { type, namespace, name };
    const stored = meta.get<T>(key);
    if (stored) return stored;
    const absentKey = `${type}/${name}`;
    if ((absentUntilMs.get(absentKey) ?? 0) > clock.monotonicMs()) return undefined;
    const impatient = new AbortController();
    const timer = optional ? clock.setTimer(OPTIONAL_PATIENCE_MS, () => impatient.abort()) : undefined;
    try {
      return await meta.fetch<T>(key, AbortSignal.any([signal(), impatient.signal]));
    } catch (error) {
      if (isApiError(error, "NotFound") || impatient.signal.aborted) {
        absentUntilMs.set(absentKey, clock.monotonicMs() + ABSENT_FOR_MS);
        return undefined;
      }
      if (optional) return undefined;
      throw referenceMissing(
        `${type} "${name}" is not stored on this node and the cloud cannot be asked for it`,
        error,
      );
    } finally {
      timer?.cancel();
    }
  };
}

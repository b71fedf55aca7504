import type { Pod } from "@skerry/api";
import type { RuntimeFeatures, RuntimeHandler } from "../ports.ts";

/**
 * Which of the runtime's handlers the pod asks for: the one of its class's name, since KubeEdge's link carries no
 * RuntimeClass; empty: the runtime's default.
 */
export function handlerName({ spec }: Pod): string {
  return spec.runtimeClassName ?? "";
}

/** What the pod's handler can; undefined where the runtime does not say. */
export function handlerOf(pod: Pod, { handlers }: Pick<RuntimeFeatures, "handlers">): RuntimeHandler | undefined {
  return handlers.find(({ name }) => name === handlerName(pod));
}

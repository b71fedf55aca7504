import type { KubernetesObject, Status } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { failureStatus } from "@skerry/kube";
import { errorStatusOf, type Message, objectOf } from "@skerry/link";

/** What the cloud said to a request (wire.md 12.2). */
export type CloudAnswer =
  /** `"OK"`, without an object. */
  | { readonly kind: "accepted" }
  | { readonly kind: "object"; readonly object: KubernetesObject }
  | { readonly kind: "refused"; readonly status: Status };

/**
 * Reads the answer to a request. An answer that is neither `"OK"` nor an object nor a Status (a plain error text, an
 * empty object) counts as the API server's 500: worth another try, never success.
 */
export function readAnswer(message: Message): CloudAnswer {
  const { content } = message;
  if (message.route.operation === "error") return refusedWith(content);
  if (content === "OK") return { kind: "accepted" };
  const status = errorStatusOf(content);
  if (status) return { kind: "refused", status };
  const object = objectOf(content);
  return object ? { kind: "object", object } : refusedWith(content);
}

function refusedWith(content: JsonValue): CloudAnswer {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const shown = text.length > 500 ? `${text.slice(0, 500)} …` : text;
  return {
    kind: "refused",
    status: failureStatus(500, "InternalError", `The cloud could not serve the request: ${shown}`),
  };
}

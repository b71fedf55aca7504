import type { StreamKind } from "./connect-request.ts";

/** What a path of the kubelet's streaming API is about (security.md 11.5). */
export interface KubeletPath {
  readonly kind: StreamKind;
  readonly namespace: string;
  readonly pod: string;
  /** Empty where the path names none. */
  readonly uid: string;
  /** Empty for port-forward. */
  readonly container: string;
}

/** A name of a Kubernetes object: one plain path segment. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Names after the first segment, with the pod's UID and without. */
const FORMS: ReadonlyMap<string, { readonly kind: StreamKind; readonly names: readonly string[][] }> = new Map([
  ["containerLogs", { kind: "logs", names: [["namespace", "pod", "container"]] }],
  ["exec", { kind: "exec", names: withUid(["namespace", "pod"], ["container"]) }],
  ["attach", { kind: "attach", names: withUid(["namespace", "pod"], ["container"]) }],
  ["portForward", { kind: "port-forward", names: withUid(["namespace", "pod"], []) }],
]);

/** Reads a path such as `/containerLogs/default/web/app`; undefined when it is none of the streaming API. */
export function parseKubeletPath(path: string): KubeletPath | undefined {
  const [empty, first = "", ...values] = path.split("/");
  const form = FORMS.get(first);
  const names = form?.names.find((candidate) => candidate.length === values.length);
  if (empty !== "" || !form || !names || !values.every((value) => NAME.test(value))) return undefined;
  const found: Record<string, string> = Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
  const { namespace = "", pod = "", uid = "", container = "" } = found;
  return { kind: form.kind, namespace, pod, uid, container };
}

function withUid(before: readonly string[], after: readonly string[]): string[][] {
  return [
    [...before, ...after],
    [...before, "uid", ...after],
  ];
}

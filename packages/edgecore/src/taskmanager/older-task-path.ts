/** What a job message of v1alpha1 is about (wire.md D27). */
export interface OlderTaskPath {
  readonly operation: "prepull" | "upgrade";
  readonly task: string;
  readonly node: string;
}

/** `<operation>/<task>/node/<node>`; undefined for any other path. */
export function parseOlderTaskPath(resource: string | undefined): OlderTaskPath | undefined {
  const [operation, task = "", marker, node = "", ...rest] = (resource ?? "").split("/");
  if ((operation !== "prepull" && operation !== "upgrade") || marker !== "node" || rest.length > 0) return undefined;
  return task === "" || node === "" ? undefined : { operation, task, node };
}

import { hostname } from "node:os";

/** The machine's name as the name of an object, at most 200 characters. */
export function machineName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
  return name.slice(0, 200) || "cloud";
}

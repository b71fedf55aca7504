/** Whether the reference names an image at all (the API server checks it only for emptiness). */
const REFERENCE = /^[a-zA-Z0-9]([\w.\-:/]*[\w])?(@[a-z0-9+.\-_]+:[0-9a-fA-F]{32,})?$/;

export function isImageReference(image: string): boolean {
  return image.length <= 512 && REFERENCE.test(image);
}

/** Host and port that the image comes from. */
export function registryOf(image: string): { readonly host: string; readonly port: number } {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  if (!named || first === "docker.io") return { host: "registry-1.docker.io", port: 443 };
  const [host = "", port] = first.split(":");
  return { host, port: port === undefined ? 443 : Number(port) };
}

/** What pulling does when the pod does not say: `:latest` and no tag mean Always. */
export function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  if (image.includes("@")) return "IfNotPresent";
  const last = image.slice(image.lastIndexOf("/") + 1);
  return !last.includes(":") || last.endsWith(":latest") ? "Always" : "IfNotPresent";
}

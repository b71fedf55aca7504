/** An image's name taken apart. */
export interface ImageReference {
  /** `docker.io`, `registry.example.com:5000` */
  readonly registry: string;
  /** `library/alpine` */
  readonly repository: string;
  /** A tag, or a digest `sha256:…`. */
  readonly version: string;
  /** The whole name in full: `docker.io/library/alpine:latest`. */
  readonly name: string;
}

/** The image's full name, as manifests shorten it: `alpine` is `docker.io/library/alpine:latest`. */
export function parseImageReference(image: string): ImageReference {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = isHost ? first : "docker.io";
  const path = isHost ? rest.join("/") : image;
  const [named = "", digest] = path.split("@");
  const [, bare = named, tag] = /^(.*?)(?::([\w.-]+))?$/.exec(named) ?? [];
  const repository = registry === "docker.io" && !bare.includes("/") ? `library/${bare}` : bare;
  const version = digest ?? tag ?? "latest";
  return { registry, repository, version, name: `${registry}/${repository}${digest ? "@" : ":"}${version}` };
}

/** The registry's address; one on this machine speaks plain HTTP, as containerd takes it. */
export function registryUrl({ registry }: ImageReference): string {
  if (registry === "docker.io") return "https://registry-1.docker.io";
  return `${isThisMachine(registry.replace(/:\d+$/, "")) ? "http" : "https"}://${registry}`;
}

/** Whether a host name or address can only mean this machine. */
export function isThisMachine(host: string): boolean {
  return host === "localhost" || /^127(\.\d+){3}$/.test(host) || host === "[::1]";
}

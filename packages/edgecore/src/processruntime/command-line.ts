import type { ImageConfig } from "./image-manifest.ts";

/** What a container is told about its process, beside what its image says. */
export interface WantedProcess {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

/** What is run. */
export interface ProcessCommand {
  readonly words: readonly string[];
  readonly workingDirectory: string;
  /** `NAME=value`, each name once. */
  readonly environment: readonly string[];
}

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Merges what the image and the container say, as Kubernetes does. */
export function processCommand(image: ImageConfig, wanted: WantedProcess): ProcessCommand {
  const entrypoint = wanted.command.length > 0 ? wanted.command : image.entrypoint;
  const imageArgs = wanted.command.length > 0 ? [] : image.command;
  const words = [...entrypoint, ...(wanted.args.length > 0 ? wanted.args : imageArgs)];
  const environment = new Map<string, string>();
  for (const entry of [DEFAULT_PATH, ...image.environment, ...wanted.environment.map(asEntry)]) {
    const at = entry.indexOf("=");
    if (at > 0) environment.set(entry.slice(0, at), entry);
  }
  return {
    words,
    workingDirectory: wanted.workingDirectory || image.workingDirectory || "/",
    environment: [...environment.values()],
  };
}

function asEntry({ name, value }: { readonly name: string; readonly value: string }): string {
  return `${name}=${value}`;
}

/** `PATH`'s folders of an environment. */
export function searchPath(environment: readonly string[]): string[] {
  const entry = environment.find((each) => each.startsWith("PATH=")) ?? DEFAULT_PATH;
  return entry
    .slice("PATH=".length)
    .split(":")
    .filter((folder) => folder !== "");
}

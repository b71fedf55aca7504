/** How a container runtime answers. */
export interface RuntimeStatus {
  readonly name: string;
  readonly version: string;
  readonly ready: boolean;
  /** What it lacks: its pod network, for one. */
  readonly message: string;
}

/** Asks the container runtime on a socket. @throws SkerryError `RUNTIME_UNAVAILABLE` and its like */
export async function runtimeStatus(endpoint: string): Promise<RuntimeStatus> {
  const { CriRuntime } = await import("../edged/platform/index.ts");
  await using runtime = new CriRuntime(endpoint);
  return { ...(await runtime.version()), ...(await runtime.status()) };
}

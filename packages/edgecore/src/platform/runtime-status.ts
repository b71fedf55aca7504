/** How a container runtime answers. */
export interface RuntimeStatus {
  readonly name: string;
  readonly version: string;
  readonly ready: boolean;
  /** What it lacks: its pod network, for one. */
  readonly message: string;
  /** Why its pods reach nothing outside of their own network; left out where they do. */
  readonly noWayOut?: string | undefined;
  /** Which limits it enforces; left out where that is up to the machine's control groups. */
  readonly limits?: { readonly cpu: boolean; readonly memory: boolean } | undefined;
}

/** Asks the container runtime on a socket. @throws SkerryError `RUNTIME_UNAVAILABLE` and its like */
export async function runtimeStatus(endpoint: string): Promise<RuntimeStatus> {
  const { CriRuntime } = await import("../edged/platform/index.ts");
  await using runtime = new CriRuntime(endpoint);
  const { noWayOut, limits } = await runtime.features();
  return { ...(await runtime.version()), ...(await runtime.status()), noWayOut, limits };
}

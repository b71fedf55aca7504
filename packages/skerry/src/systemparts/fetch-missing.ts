/** What can be fetched, and how. */
export interface FetchPorts {
  /** Fetches packages together; throws SKERRY_PARTS_… errors. */
  readonly unpack: (packages: readonly string[], limits?: { readonly timeoutMs: number }) => Promise<unknown>;
  /** Told before each attempt. */
  readonly onDownload: (packages: readonly string[]) => void;
}

/** Nobody waits long for what has a substitute: a machine without a network starts soon all the same. */
const OPTIONAL_TIMEOUT_MS = 60_000;

/**
 * Fetches the packages that the machine lacks. Without the required ones there is no node: that they cannot be had is
 * thrown. Returns why the optional ones could not be had, undefined when they could.
 */
export async function fetchMissing(
  required: readonly string[],
  optional: readonly string[],
  ports: FetchPorts,
): Promise<Error | undefined> {
  const attempt = async (
    packages: readonly string[],
    limits?: { readonly timeoutMs: number },
  ): Promise<Error | undefined> => {
    if (packages.length === 0) return undefined;
    ports.onDownload(packages);
    try {
      await ports.unpack(packages, limits);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  if (required.length === 0) return attempt(optional, { timeoutMs: OPTIONAL_TIMEOUT_MS });
  const together = await attempt([...required, ...optional]);
  if (together === undefined) return undefined;
  if (optional.length === 0) throw together;
  const alone = await attempt(required); // One package that the archive lacks keeps apt from fetching any.
  if (alone !== undefined) throw alone;
  return together;
}

import { type KubernetesObject, nodes } from "@skerry/api";
import { type Clock, type Logger, type Random, RetrySchedule, sleep } from "@skerry/base";
import { Informer, isApiError, type KubernetesApi } from "@skerry/kube";

/** Label of a fleet's Node objects, with the fleet's name. */
export const FLEET_LABEL = "skerry.io/fleet";

const PAGE = 500;
const DELETED_AT_ONCE = 16;
const DELETE_ATTEMPTS = 5;

interface FleetNode extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Follows which of a fleet's Nodes are Ready. */
export class ReadyNodes implements AsyncDisposable {
  readonly #informer: Informer<FleetNode>;
  readonly #ready = new Set<string>();

  constructor(
    ports: { readonly api: KubernetesApi; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    fleet: string,
  ) {
    this.#informer = new Informer<FleetNode>({
      ...ports,
      target: { resource: nodes },
      labelSelector: `${FLEET_LABEL}=${fleet}`,
      transform: ({ apiVersion, kind, metadata: { name, resourceVersion, uid }, status }) => ({
        apiVersion,
        kind,
        metadata: { name, ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) },
        status: { conditions: (status?.conditions ?? []).filter(({ type }) => type === "Ready") },
      }),
    });
    this.#informer.listen((event) => {
      const isReady = event.type !== "deleted" && event.object.status?.conditions?.[0]?.status === "True";
      if (isReady) this.#ready.add(event.object.metadata.name);
      else this.#ready.delete(event.object.metadata.name);
    });
    this.#informer.start();
  }

  get count(): number {
    return this.#ready.size;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#informer[Symbol.asyncDispose]();
  }
}

/** Deletes the Node objects of a fleet, or of all; returns how many. What runs on them goes with them. */
export async function deleteFleetNodes(
  ports: { readonly api: KubernetesApi; readonly clock: Clock; readonly random: Random },
  fleet: string | undefined,
): Promise<number> {
  const labelSelector = fleet === undefined ? FLEET_LABEL : `${FLEET_LABEL}=${fleet}`;
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await ports.api.list(
      { resource: nodes },
      { labelSelector, limit: PAGE, ...(token ? { continue: token } : {}) },
    );
    names.push(...page.items.map(({ metadata }) => metadata.name));
    token = page.metadata.continue;
  } while (token);
  const waiting = [...names];
  const worker = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) await deleteNode(ports, name);
  };
  await Promise.all(Array.from({ length: DELETED_AT_ONCE }, worker));
  return names.length;
}

async function deleteNode(
  { api, clock, random }: { readonly api: KubernetesApi; readonly clock: Clock; readonly random: Random },
  name: string,
): Promise<void> {
  const retry = new RetrySchedule({ initialMs: 200, maximumMs: 2_000 }, random);
  for (let attempt = 1; ; attempt++) {
    try {
      await api.delete({ resource: nodes, name });
      return;
    } catch (error) {
      if (isApiError(error) && error.httpStatus === 404) return;
      if (attempt >= DELETE_ATTEMPTS) throw error;
      await sleep(clock, retry.nextDelayMs());
    }
  }
}

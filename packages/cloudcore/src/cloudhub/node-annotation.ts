import { nodes } from "@skerry/api";
import { type Clock, describeError, type Logger, sleep } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

/** Annotation of a Node: the address of the CloudCore that holds its session (wire.md 5.2). */
export const CLOUDCORE_ANNOTATION = "cloudcore";

/** Annotation of a node's lease: the name of the CloudCore, among its replicas, that has the node's session. */
export const REPLICA_ANNOTATION = "skerry.io/cloudcore";

const TRIES = 3;
const PAUSE_MS = 1_000;
/** Until what another CloudCore has written of the node just before is surely known here. */
const KNOWN_AFTER_MS = 10_000;

/**
 * Notes on the Node object where its session is. A node that is not registered yet gets the annotation when it
 * registers, and one that has it already is left alone: after a restart all nodes would have to be written. Never throws:
 * nothing depends on it but who looks for the node.
 */
export async function annotateNode(
  ports: {
    readonly api: KubernetesApi;
    readonly clock: Clock;
    readonly logger: Logger;
    /** The annotation as it is known here. */
    readonly addressOf: (nodeName: string) => string | undefined;
  },
  nodeName: string,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  if (ports.addressOf(nodeName) === address) {
    await sleep(ports.clock, KNOWN_AFTER_MS, signal).catch(() => undefined);
    if (ports.addressOf(nodeName) === address) return;
  }
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const body = { metadata: { annotations: { [CLOUDCORE_ANNOTATION]: address } } };
      await ports.api.patch({ resource: nodes, name: nodeName }, { type: "merge", body }, { signal });
      return;
    } catch (error) {
      if (signal.aborted || isApiError(error, "NotFound")) return;
      if (attempt === TRIES) {
        ports.logger.warn("The Node could not be annotated with this CloudCore's address", {
          node: nodeName,
          error: describeError(error),
        });
        return;
      }
    }
    await sleep(ports.clock, PAUSE_MS, signal).catch(() => undefined);
  }
}

import { apiVersionOf } from "@skerry/api";
import type { Clock, Logger } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import type { UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { managedKindOf, podKind, type SyncController } from "../synccontroller/index.ts";
import type { EdgeObjects } from "./edge-objects.ts";
import type { NodePermissions } from "./node-permissions.ts";
import { certificateRequests } from "./upstream/certificate-requests.ts";
import { eventRequests } from "./upstream/event-requests.ts";
import type { KubeletEndpoint } from "./upstream/kubelet-endpoint.ts";
import { leaseRequests } from "./upstream/lease-requests.ts";
import { nodeRequests } from "./upstream/node-requests.ts";
import { podRequests } from "./upstream/pod-requests.ts";
import { queryRequests } from "./upstream/query-requests.ts";
import { tokenRequests } from "./upstream/token-requests.ts";
import { UpstreamRequests } from "./upstream/upstream-requests.ts";

/** What an {@link EdgeController} lives on. */
export interface EdgeControllerOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly objects: EdgeObjects;
  readonly permissions: NodePermissions;
  readonly syncController: SyncController;
  /** Where this CloudCore can be reached; written to the Nodes that register. */
  readonly cloudCoreAddress?: string;
  /** See {@link NodeRequestOptions.kubelet}. */
  readonly kubelet?: KubeletEndpoint;
}

/**
 * Between the nodes and the Kubernetes API (wire.md 10, 11): tells nodes of changes to their Node, pods, ConfigMaps and
 * Secrets, and does at the API what nodes ask for.
 */
export class EdgeController implements AsyncDisposable {
  /** Takes the nodes' messages. */
  readonly upstream: UpstreamHandler;
  readonly #options: EdgeControllerOptions;
  readonly #cleanup = new DisposableStack();

  constructor(options: EdgeControllerOptions) {
    const { api, clock, logger, objects, permissions, syncController, cloudCoreAddress, kubelet } = options;
    this.#options = options;
    this.upstream = new UpstreamRequests(
      [
        nodeRequests({
          api,
          onRegistered: (nodeName) => syncController.resendAll(nodeName),
          ...(cloudCoreAddress === undefined ? {} : { cloudCoreAddress }),
          ...(kubelet ? { kubelet } : {}),
        }),
        podRequests({
          api,
          podOf: (nodeName, namespace, name) => objects.podIndex.get(nodeName, namespace, name),
          onStrayPod: (nodeName, pod) =>
            syncController.removeStray(nodeName, podKind, pod.namespace, pod.name, pod.uid),
        }),
        leaseRequests(api),
        queryRequests({
          api,
          onClaimRead: (nodeName, volumeName) => permissions.claimRead(nodeName, volumeName),
          beforeAnswer: async (nodeName, resource, object) => {
            const kind = managedKindOf(apiVersionOf(resource), resource.kind);
            if (kind) await syncController.expectAnswered(nodeName, kind, object);
          },
        }),
        tokenRequests({ api, podOf: (nodeName, namespace, name) => objects.podIndex.get(nodeName, namespace, name) }),
        eventRequests({
          api,
          clock,
          hasPod: (nodeName, namespace, name) => permissions.hasPod(nodeName, { namespace, name }),
        }),
        certificateRequests(api),
      ],
      logger.child("edgecontroller"),
    );
  }

  /** Begins to tell nodes of changes; the caches must have synced. */
  async start(): Promise<void> {
    const { objects, permissions, syncController } = this.#options;
    this.#cleanup.use(
      objects.follow(({ nodeName, kind, namespace, name, lastKnown }) => {
        if (kind === podKind && lastKnown) permissions.podDeleted(nodeName, { namespace, name });
        syncController.objectChanged(nodeName, kind, namespace, name, lastKnown);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cleanup.dispose();
  }
}

import type { Clock, Logger, Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import type { CloudHubPort, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { deviceKind, type OutgoingObject, type SyncController } from "../synccontroller/index.ts";
import { DeviceNotices } from "./device-notices.ts";
import type { DeviceObjects } from "./device-objects.ts";
import { DeviceRequests } from "./device-requests.ts";
import { DeviceStatusWriter } from "./device-status-writer.ts";
import { membershipMessage } from "./membership.ts";

/** What a {@link DeviceController} lives on. */
export interface DeviceControllerOptions {
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly objects: DeviceObjects;
  readonly syncController: SyncController;
  readonly nodeExists: (nodeName: string) => boolean;
}

/** Between the devices' objects and the nodes they are bound to (devices.md 3). */
export class DeviceController implements AsyncDisposable {
  /** Takes the nodes' messages about devices. */
  readonly upstream: UpstreamHandler;
  readonly #options: DeviceControllerOptions;
  readonly #writer: DeviceStatusWriter;
  readonly #notices: DeviceNotices;
  readonly #cleanup = new DisposableStack();

  constructor(options: DeviceControllerOptions) {
    const logger = options.logger.child("devicecontroller");
    this.#options = options;
    this.#writer = new DeviceStatusWriter({ ...options, logger });
    this.#notices = new DeviceNotices({ ...options, logger });
    this.upstream = new DeviceRequests({ ...options, logger, writer: this.#writer });
  }

  /** Begins to tell nodes of changes and to store reports; the caches must have synced. */
  async start(): Promise<void> {
    const { objects, syncController } = this.#options;
    this.#writer.start();
    this.#cleanup.use(objects.followDevices((device, before) => this.#notices.deviceChanged(device, before)));
    this.#cleanup.use(
      objects.follow(({ nodeName, kind, namespace, name, lastKnown }) =>
        syncController.objectChanged(nodeName, kind, namespace, name, lastKnown),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cleanup.dispose();
    await this.#notices[Symbol.asyncDispose]();
    await this.#writer[Symbol.asyncDispose]();
  }
}

/** A node that gets or loses a device is told of the membership as well: its twins depend on it (wire.md D10, D11). */
export function announceMembership(
  cloudHub: CloudHubPort,
  stamp: { readonly clock: Clock; readonly random: Random },
  { nodeName, kind, operation, object }: OutgoingObject,
): void {
  if (kind !== deviceKind || operation === "update") return;
  cloudHub.deliver(nodeName, membershipMessage(stamp, operation === "insert" ? "added" : "removed", object));
}

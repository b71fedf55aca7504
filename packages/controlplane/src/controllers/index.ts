import type { Clock, Logger, Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { Scheduler } from "../scheduler/scheduler.ts";
import { createClusterInformers } from "./cluster-informers.ts";
import type { Controller, ControllerPorts } from "./controller-ports.ts";
import { DeploymentController } from "./deployment/deployment-controller.ts";
import { ReplicaSetController } from "./replicaset/replica-set-controller.ts";

/** What the controllers live on. */
export interface ControllersOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Certificate authority of the API server, published to each namespace as ConfigMap `kube-root-ca.crt`. */
  readonly rootCaPem: string;
}

/**
 * Starts all controllers and the scheduler; resolves when they work. They use nothing but the KubernetesApi.
 */
export async function startControllers(options: ControllersOptions): Promise<AsyncDisposable> {
  const ports: ControllerPorts = options;
  await using stack = new AsyncDisposableStack();
  const informers = createClusterInformers(ports);
  for (const informer of Object.values(informers)) {
    stack.use(informer);
    informer.start();
  }
  await Promise.all(Object.values(informers).map((informer) => informer.whenSynced()));
  const controllers: Controller[] = [
    new DeploymentController(ports, informers),
    new ReplicaSetController(ports, informers),
    new Scheduler(ports, informers),
  ];
  for (const controller of controllers) {
    stack.use(controller);
    controller.start();
  }
  return stack.move();
}

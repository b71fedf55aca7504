import type { Clock, Logger, Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { Scheduler } from "../scheduler/scheduler.ts";
import { BootstrapTokenCleaner } from "./bootstraptoken/bootstrap-token-cleaner.ts";
import { CertificateSigningController, type SigningAuthority } from "./certificates/certificate-signing-controller.ts";
import { createClusterInformers } from "./cluster-informers.ts";
import { ClusterRoleAggregationController } from "./clusterrole/cluster-role-aggregation-controller.ts";
import type { Controller, ControllerPorts } from "./controller-ports.ts";
import { CronJobController } from "./cronjob/cron-job-controller.ts";
import { DaemonSetController } from "./daemonset/daemon-set-controller.ts";
import { DeploymentController } from "./deployment/deployment-controller.ts";
import { DisruptionController } from "./disruption/disruption-controller.ts";
import { EndpointsController } from "./endpoint/endpoints-controller.ts";
import { GarbageCollector } from "./garbagecollector/garbage-collector.ts";
import { JobController } from "./job/job-controller.ts";
import { NamespaceController } from "./namespace/namespace-controller.ts";
import { NodeLifecycleController } from "./node/node-lifecycle-controller.ts";
import { PodGarbageCollector } from "./node/pod-garbage-collector.ts";
import { TaintEvictionController } from "./node/taint-eviction-controller.ts";
import { replicationControllerKind } from "./replicaset/replica-kind.ts";
import { ReplicaSetController } from "./replicaset/replica-set-controller.ts";
import { ResourceDirectory } from "./resource-directory.ts";
import { RootCaPublisher } from "./serviceaccount/root-ca-publisher.ts";
import { ServiceAccountController } from "./serviceaccount/service-account-controller.ts";
import { StatefulSetController } from "./statefulset/stateful-set-controller.ts";
import { EphemeralVolumeController } from "./volume/ephemeral-volume-controller.ts";
import { LocalPathProvisioner } from "./volume/local-path-provisioner.ts";
import { VolumeController } from "./volume/volume-controller.ts";

/** What the controllers live on. */
export interface ControllersOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Certificate authority of the API server, published to each namespace as ConfigMap `kube-root-ca.crt`. */
  readonly rootCaPem: string;
  /** Signs approved certificate requests; left out: nobody does. */
  readonly signing?: SigningAuthority;
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
  const directory = new ResourceDirectory(informers.customResourceDefinitions);
  const controllers: Controller[] = [
    new ServiceAccountController(ports, informers),
    new RootCaPublisher(ports, informers, options.rootCaPem),
    new DeploymentController(ports, informers),
    new ReplicaSetController(ports, informers),
    new ReplicaSetController(ports, informers, replicationControllerKind(informers)),
    new StatefulSetController(ports, informers),
    new DaemonSetController(ports, informers),
    new JobController(ports, informers),
    new CronJobController(ports, informers),
    new DisruptionController(ports, informers),
    new VolumeController(ports, informers),
    new Scheduler(ports, informers),
    new EphemeralVolumeController(ports, informers),
    new LocalPathProvisioner(ports, informers),
    new EndpointsController(ports, informers),
    new NodeLifecycleController(ports, informers),
    new TaintEvictionController(ports, informers),
    new PodGarbageCollector(ports, informers),
    new NamespaceController(ports, informers, directory),
    new GarbageCollector(ports, directory),
    new ClusterRoleAggregationController(ports),
    new BootstrapTokenCleaner(ports),
    ...(options.signing ? [new CertificateSigningController(ports, options.signing)] : []),
  ];
  for (const controller of controllers) {
    stack.use(controller);
    controller.start();
  }
  return stack.move();
}

import {
  clusterObjectSyncs,
  configMaps,
  configUpdateJobs,
  type Device,
  type DeviceModel,
  deviceModels,
  devices,
  imagePrePullJobs,
  type KubernetesObject,
  type NodeJob,
  nodes,
  nodeUpgradeJobs,
  objectSyncs,
  type Pod,
  pods,
  type ResourceReference,
  type Rule,
  type RuleEndpoint,
  ruleEndpoints,
  rules,
  type Service,
  secrets,
  services,
} from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import { type DelegatedApi, Informer, type InformerOptions, type KubernetesApi } from "@skerry/kube";
import { DeviceAdmission } from "./admission/device-admission.ts";
import type { CloudHubPort, UpstreamHandlers } from "./cloudhub/cloud-hub-port.ts";
import { CLOUDCORE_ANNOTATION } from "./cloudhub/node-annotation.ts";
import type { NodeObjects } from "./cloudhub/node-objects.ts";
import { installCustomResources } from "./customresources/index.ts";
import { announceMembership, DeviceController, DeviceObjects, deviceIndexers } from "./devicecontroller/index.ts";
import { DynamicController } from "./dynamiccontroller/index.ts";
import {
  ContentReader,
  EdgeController,
  EdgeObjects,
  type KubeletEndpoint,
  NodePermissions,
  serviceIndexers,
  withoutContent,
} from "./edgecontroller/index.ts";
import { withoutManagedFields } from "./managed-fields.ts";
import { type HttpPoster, Router } from "./router/index.ts";
import {
  configMapKind,
  deviceKind,
  deviceModelKind,
  joinDesiredObjects,
  nodeKind,
  podKind,
  SetFreshness,
  SyncController,
  secretKind,
  serviceKind,
} from "./synccontroller/index.ts";
import { TaskManager } from "./taskmanager/index.ts";
import { TelemetryRequests, type TelemetrySink } from "./telemetry/index.ts";
import type { LinkTraces } from "./tracing/link-traces.ts";

/** What the controllers live on. */
export interface CloudControllersOptions {
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Whether to install the definitions of devices and sync objects. @default true */
  readonly installCustomResources?: boolean;
  /** Where the nodes' samples go; its owner closes it. Without it they stay at the edge. */
  readonly telemetry?: TelemetrySink;
  /** Where this CloudCore can be reached; written to the Nodes that register. */
  readonly cloudCoreAddress?: string;
  /** Where a Kubernetes of one's own reaches the nodes' kubelets; left out: Nodes say what the nodes themselves say. */
  readonly kubelet?: KubeletEndpoint;
  /** Whether this CloudCore, among its replicas, does what only one may do. @default it is the only one */
  readonly isLeader?: () => boolean;
  /** Left out: nothing is traced. */
  readonly traces?: LinkTraces | undefined;
  /** Without it Rules are not followed. */
  readonly router?: { readonly poster: HttpPoster; readonly timeoutMs: number };
  /** The Kubernetes API with the nodes' rights, for their MetaServers; without it they are refused. */
  readonly delegated?: DelegatedApi;
  /** Whether jobs for nodes are carried out. @default false */
  readonly taskManager?: boolean;
  readonly signal?: AbortSignal;
}

/** The running controllers, and what CloudHub needs of them. */
export interface CloudControllers extends AsyncDisposable {
  readonly handlers: UpstreamHandlers;
  readonly nodeObjects: NodeObjects;
  readonly syncController: SyncController;
  /** The webhook that checks devices, for CloudCore's HTTPS port. */
  readonly admission: DeviceAdmission;
  readonly router?: Router;
  readonly telemetry?: TelemetryRequests;
}

/** An API server that is back after an outage is noticed within seconds: nodes wait for it. */
const INFORMER_RETRY = { initialMs: 200, maximumMs: 4_000 };

/**
 * Starts EdgeController, DeviceController and SyncController; resolves when their caches have synced and they are ready
 * for nodes.
 * @throws SkerryError `CLOUDCORE_DEFINITION_UNUSABLE`, `CLOUDCORE_DEFINITION_NOT_ESTABLISHED`
 */
export async function startCloudControllers(options: CloudControllersOptions): Promise<CloudControllers> {
  const { api, cloudHub, clock, random, logger, cloudCoreAddress, kubelet, signal } = options;
  if (options.installCustomResources ?? true)
    await installCustomResources({ api, clock, logger, ...(signal ? { signal } : {}) });

  await using stack = new AsyncDisposableStack();
  const informers: Informer<KubernetesObject>[] = [];
  const informer = <T extends KubernetesObject>(
    resource: ResourceReference,
    extra: Pick<InformerOptions<T>, "indexers" | "transform"> = {},
  ): Informer<T> => {
    const created = stack.use(
      new Informer<T>({
        api,
        target: { resource },
        clock,
        random,
        logger,
        transform: withoutManagedFields,
        retry: INFORMER_RETRY,
        ...extra,
      }),
    );
    informers.push(created as unknown as Informer<KubernetesObject>);
    return created;
  };

  const nodeInformer = informer<KubernetesObject>(nodes);
  const podInformer = informer<Pod>(pods);
  const configMapInformer = informer<KubernetesObject>(configMaps, { transform: withoutContent });
  const secretInformer = informer<KubernetesObject>(secrets, { transform: withoutContent });
  const serviceInformer = informer<Service>(services, { indexers: serviceIndexers });
  const edgeObjects = new EdgeObjects(
    {
      pods: podInformer,
      nodes: nodeInformer,
      configMaps: configMapInformer,
      secrets: secretInformer,
      services: serviceInformer,
    },
    new ContentReader(api, clock),
  );
  const deviceInformer = informer<Device>(devices, { indexers: deviceIndexers });
  const modelInformer = informer<DeviceModel>(deviceModels);
  const deviceObjects = new DeviceObjects({
    devices: deviceInformer,
    deviceModels: modelInformer,
  });
  const nodeExists = (nodeName: string): boolean => nodeInformer.cache.get(nodeName) !== undefined;
  const syncController = new SyncController({
    api,
    cloudHub,
    clock,
    random,
    logger: logger.child("synccontroller"),
    traces: options.traces,
    desired: joinDesiredObjects([edgeObjects, deviceObjects]),
    freshness: new SetFreshness(api, clock, [
      { ...nodeKind, informer: nodeInformer },
      { ...podKind, informer: podInformer },
      { ...configMapKind, informer: configMapInformer },
      { ...secretKind, informer: secretInformer },
      { ...serviceKind, informer: serviceInformer },
      { ...deviceModelKind, informer: modelInformer },
      { ...deviceKind, informer: deviceInformer },
    ]),
    objectSyncs: informer(objectSyncs),
    clusterObjectSyncs: informer(clusterObjectSyncs),
    nodeExists,
    isLeader: options.isLeader ?? (() => true),
    onOutgoing: (outgoing) => announceMembership(cloudHub, { clock, random }, outgoing),
  });
  const taskManager = options.taskManager
    ? new TaskManager({
        api,
        cloudHub,
        clock,
        random,
        logger,
        nodes: nodeInformer,
        jobs: {
          imageprepulljob: informer<NodeJob>(imagePrePullJobs),
          configupdatejob: informer<NodeJob>(configUpdateJobs),
          nodeupgradejob: informer<NodeJob>(nodeUpgradeJobs),
        },
      })
    : undefined;
  const nodeObjects = new NodePermissions({
    podIndex: edgeObjects.podIndex,
    podExists: (namespace, name) => podInformer.cache.get(`${namespace}/${name}`) !== undefined,
    ownsDevice: (nodeName, namespace, name) => deviceObjects.deviceOf(nodeName, namespace, name) !== undefined,
    mayPullWith: (nodeName, secret) => taskManager?.mayReadPullSecret(nodeName, secret) === true,
    sessionAddressOf: (nodeName) => nodeInformer.cache.get(nodeName)?.metadata.annotations?.[CLOUDCORE_ANNOTATION],
    clock,
  });
  const edgeController = new EdgeController({
    api,
    clock,
    logger,
    objects: edgeObjects,
    permissions: nodeObjects,
    syncController,
    ...(cloudCoreAddress === undefined ? {} : { cloudCoreAddress }),
    ...(kubelet ? { kubelet } : {}),
  });
  const deviceController = new DeviceController({
    api,
    cloudHub,
    clock,
    random,
    logger,
    objects: deviceObjects,
    syncController,
    nodeExists,
  });

  const router = options.router
    ? new Router({
        api,
        cloudHub,
        clock,
        random,
        logger,
        nodeExists,
        rules: informer<Rule>(rules),
        ruleEndpoints: informer<RuleEndpoint>(ruleEndpoints),
        ...options.router,
      })
    : undefined;

  const dynamicController = options.delegated
    ? new DynamicController({ api, delegated: options.delegated, cloudHub, clock, random, logger })
    : undefined;

  const telemetry = options.telemetry && telemetryRequests(options.telemetry, deviceObjects, logger);

  for (const each of informers) each.start();
  await Promise.all(informers.map((each) => each.whenSynced(signal)));
  // The SyncController last: what it compares must be complete, or it would take back what nodes rightly hold.
  const optional = [router, dynamicController, taskManager].filter((each) => each !== undefined);
  for (const controller of [...optional, edgeController, deviceController, syncController]) {
    stack.use(controller);
    await controller.start();
  }
  const running = stack.move();
  return {
    handlers: {
      edgeController: edgeController.upstream,
      deviceController: deviceController.upstream,
      ...(router ? { router: router.upstream } : {}),
      ...(dynamicController ? { dynamicController: dynamicController.upstream } : {}),
      ...(taskManager ? { taskManager: taskManager.upstream } : {}),
      ...(telemetry ? { telemetry } : {}),
    },
    nodeObjects,
    syncController,
    admission: new DeviceAdmission((namespace, name) => modelInformer.cache.get(`${namespace}/${name}`)),
    ...(router ? { router } : {}),
    ...(telemetry ? { telemetry } : {}),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function telemetryRequests(sink: TelemetrySink, devices: DeviceObjects, logger: Logger): TelemetryRequests {
  const nodeOf = (deviceId: string): string | undefined => {
    const [namespace = "", name = ""] = deviceId.split("/");
    return devices.device(namespace, name)?.spec?.nodeName;
  };
  return new TelemetryRequests({ sink, nodeOf, logger: logger.child("telemetry") });
}

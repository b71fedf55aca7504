import type { ImagePrePullJob, KubernetesObject, NodeJob, NodeTaskStatus } from "@skerry/api";
import type { Clock, JsonValue, Logger, Random, Service } from "@skerry/base";
import { type Informer, type KubernetesApi, WorkQueue } from "@skerry/kube";
import { NODE_JOB_FLOWS, type NodeJobType, newMessage, nodeJobPath } from "@skerry/link";
import type { CloudHubPort, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import type { ObjectName } from "../cloudhub/node-objects.ts";
import { beginJob } from "./begin-job.ts";
import { JOB_KINDS, type JobKind } from "./job-kinds.ts";
import { freePlaces, jobStatus, nextNodes, timeoutSeconds } from "./job-progress.ts";
import { JobReports } from "./job-reports.ts";
import { writeStatus } from "./job-store.ts";
import { silenced, waitsForConfirmation } from "./node-task.ts";
import { SilenceWatch } from "./silence-watch.ts";

export interface TaskManagerOptions {
  readonly api: KubernetesApi;
  readonly cloudHub: CloudHubPort;
  /** One a kind of job. */
  readonly jobs: Readonly<Record<NodeJobType, Informer<NodeJob>>>;
  readonly nodes: Informer<KubernetesObject>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Carries out jobs for nodes: images to pull, configurations to change, upgrades (cloud.md 8). All there is to know is in
 * the jobs' status, so that a CloudCore that starts goes on with them, and several may work on the same job: each sends
 * to the nodes that are connected to it, and writes only on the status that it has read.
 */
export class TaskManager implements Service {
  readonly #options: TaskManagerOptions;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;
  readonly #reports: JobReports;
  readonly #silence: SilenceWatch;
  readonly #registrations = new DisposableStack();
  /** Jobs that are not over, by `<type>/<name>`. */
  readonly #open = new Map<string, { readonly kind: JobKind; readonly job: NodeJob }>();
  /** Nodes that need not be told of their part again, by UID of the job. */
  readonly #told = new Map<string, Set<string>>();

  constructor(options: TaskManagerOptions) {
    this.#options = options;
    this.#logger = options.logger.child("taskmanager");
    const { api, cloudHub, clock, random } = options;
    const ports = { api, cloudHub, clock, random, logger: this.#logger };
    this.#silence = new SilenceWatch(clock);
    this.#reports = new JobReports(ports);
    this.#queue = new WorkQueue({ ...ports, work: (key) => this.#work(key) });
  }

  /** Takes what nodes report. */
  get upstream(): UpstreamHandler {
    return this.#reports;
  }

  /** The informers have synced before. */
  async start(): Promise<void> {
    const { jobs, cloudHub } = this.#options;
    for (const kind of Object.values(JOB_KINDS))
      this.#registrations.use(
        jobs[kind.type].listen(({ type, object }) => {
          this.#see(kind, object, type === "deleted");
        }),
      );
    this.#registrations.use(
      cloudHub.onSession(({ kind, nodeName }) => {
        if (kind === "opened") this.#nodeReturned(nodeName);
      }),
    );
    this.#queue.start();
  }

  /** Whether a job lets the node read the Secret now, to pull with. */
  mayReadPullSecret(nodeName: string, { namespace, name }: ObjectName): boolean {
    for (const { kind, job } of this.#open.values()) {
      if (kind.type !== "imageprepulljob") continue;
      if ((job as ImagePrePullJob).spec?.imagePrePullTemplate?.imageSecrets !== `${namespace}/${name}`) continue;
      if (tasksOf(job).some((task) => task.nodeName === nodeName && task.phase === "InProgress")) return true;
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#registrations.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  #see(kind: JobKind, job: NodeJob, isDeleted: boolean): void {
    const key = `${kind.type}/${job.metadata.name}`;
    const phase = job.status?.phase;
    if (isDeleted || phase === "Completed" || phase === "Failure") {
      const uid = this.#open.get(key)?.job.metadata.uid ?? "";
      this.#open.delete(key);
      this.#told.delete(uid);
      this.#silence.forget(uid);
      return;
    }
    this.#open.set(key, { kind, job });
    this.#queue.add(key);
  }

  /**
   * A node with Skerry's delivery knows a job again, by the message's id, so it is told again whenever it comes. A KubeEdge
   * node would do it twice: it is told again only where that does no harm.
   */
  #nodeReturned(nodeName: string): void {
    const knowsJobs = this.#options.cloudHub.deliveryOf(nodeName) === "skerry";
    for (const [key, { kind, job }] of this.#open) {
      if (!tasksOf(job).some((task) => task.nodeName === nodeName)) continue;
      if (knowsJobs || kind.type === "imageprepulljob") this.#told.get(job.metadata.uid ?? "")?.delete(nodeName);
      this.#queue.add(key);
    }
  }

  async #work(key: string): Promise<void> {
    const open = this.#open.get(key);
    if (!open) return;
    const { kind, job } = open;
    const { api, cloudHub, nodes } = this.#options;
    const scope = kind.scopeOf(job);
    if (!job.status?.nodeStatus) {
      await writeStatus(api, kind, job, beginJob(scope, nodes.cache)); // What it writes comes back as a change.
      return;
    }
    const next = new Set(nextNodes(scope, tasksOf(job), (nodeName) => cloudHub.connectedNodes.has(nodeName)));
    const hasPlace = freePlaces(scope, tasksOf(job)) > 0;
    const tasks = tasksOf(job).map((task): NodeTaskStatus => {
      if (next.has(task.nodeName)) return { ...task, phase: "InProgress" };
      return this.#watched(key, kind, job, task, hasPlace);
    });
    await writeStatus(api, kind, job, jobStatus(scope, tasks));
    // Only now: a node that is told is one that the status counts as working on it.
    for (const task of tasks) if (this.#isToBeTold(job, task)) this.#tell(kind, job, task.nodeName);
  }

  /** The node's part, or what becomes of it after too long a silence; looks again when that would be over. */
  #watched(key: string, kind: JobKind, job: NodeJob, task: NodeTaskStatus, hasPlace: boolean): NodeTaskStatus {
    const { nodeName, phase, actionFlow = [] } = task;
    const scope = kind.scopeOf(job);
    const { uid = "" } = job.metadata;
    const isItsTurn = phase === "InProgress" || (phase === "Pending" && hasPlace);
    const requireConfirmation = "requireConfirmation" in scope && scope.requireConfirmation === true;
    if (!isItsTurn || waitsForConfirmation(kind.type, task, requireConfirmation)) {
      this.#silence.forgetNode(uid, nodeName);
      return task;
    }
    const seconds = timeoutSeconds(scope);
    const mark = [phase, ...actionFlow.map(({ action, status }) => `${action} ${status}`)].join();
    const leftMs = seconds * 1000 - this.#silence.quietMs(uid, nodeName, mark);
    if (leftMs <= 0) return silenced(task, seconds);
    this.#queue.addAfter(key, leftMs);
    return task;
  }

  /** What a KubeEdge node has begun with it is not told again. */
  #isToBeTold(job: NodeJob, { nodeName, phase, actionFlow = [] }: NodeTaskStatus): boolean {
    if (phase !== "InProgress" || this.#told.get(job.metadata.uid ?? "")?.has(nodeName)) return false;
    const delivery = this.#options.cloudHub.deliveryOf(nodeName);
    return delivery === "skerry" || (delivery === "kubeedge" && actionFlow.length === 0);
  }

  #tell(kind: JobKind, job: NodeJob, nodeName: string): void {
    const { cloudHub } = this.#options;
    const { name, uid = "" } = job.metadata;
    const route = {
      source: "taskmanager",
      group: "taskmanager",
      operation: NODE_JOB_FLOWS[kind.type][0] ?? "",
      resource: nodeJobPath({ type: kind.type, job: name, node: nodeName }),
    };
    const message = newMessage(this.#options, route, job.spec as unknown as JsonValue);
    const isSent = cloudHub.deliver(nodeName, { ...message, header: { ...message.header, msg_id: uid } });
    if (!isSent) return; // It is told when it is back.
    this.#told.set(uid, (this.#told.get(uid) ?? new Set<string>()).add(nodeName));
    this.#logger.info("A node was given its part of a job", { job: `${kind.type}/${name}`, node: nodeName });
  }
}

function tasksOf(job: NodeJob): readonly NodeTaskStatus[] {
  return job.status?.nodeStatus ?? [];
}

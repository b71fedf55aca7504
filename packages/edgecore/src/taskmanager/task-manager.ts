import { type Clock, describeError, isJsonObject, type Logger, type SkerryError } from "@skerry/base";
import {
  type Message,
  NODE_JOB_FLOWS,
  type NodeJobReport,
  type NodeJobType,
  parseNodeJobPath,
  ROLL_BACK,
  ROLLED_BACK_AFTER,
} from "@skerry/link";
import type { DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { actionUnknown, reasonOf, specInvalid, tooManyTasks } from "./errors.ts";
import { newReport, putReport } from "./report.ts";
import type { StepOutcome, Steps } from "./steps.ts";
import { type StoredTask, storeTask, taskOfResource, unfinishedTasks } from "./task-table.ts";

export interface TaskManagerPorts {
  readonly meta: MetaClient;
  /** How each kind of job is done. */
  readonly steps: Readonly<Record<NodeJobType, Steps>>;
  /** Takes jobs in KubeEdge's older form. */
  readonly older: { handle(message: Message): void } & AsyncDisposable;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Parts of jobs that are done at the same time. */
const LIMIT = 16;

/**
 * Does this node's parts of jobs (edge.md 12): a job is stored before it is begun, each step's report is stored with the
 * step, and a start goes on where the last run ended. A job that is given again is not done again.
 */
export class TaskManager implements DownstreamHandler, AsyncDisposable {
  readonly #ports: TaskManagerPorts;
  readonly #logger: Logger;
  readonly #running = new Map<string, { readonly ended: Promise<void>; readonly stop: AbortController }>();

  constructor(ports: TaskManagerPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("taskmanager");
  }

  /** Goes on with what was begun. */
  start(): void {
    for (const task of this.#ports.meta.read(unfinishedTasks)) this.#run(task);
  }

  async handle(message: Message): Promise<void> {
    const { operation = "", resource = "" } = message.route;
    const path = parseNodeJobPath(resource);
    if (!path) return this.#ports.older.handle(message);
    const id = message.header.msg_id;
    const known = this.#ports.meta.read((reader) => taskOfResource(reader, resource));
    if (known?.id === id) {
      if (known.finished) await this.#reportAgain(known);
      return;
    }
    const spec = isJsonObject(message.content) ? message.content : undefined;
    const task = { resource, id, firstAction: operation, spec: spec ?? {}, reports: [], finished: false };
    const refusal = this.#refusal(path.type, operation, spec !== undefined);
    if (refusal) {
      await this.#report(task, operation, { kind: "failed", reason: reasonOf(refusal) }, true);
      return;
    }
    // An older job of this name is gone in the cloud.
    await this.#end(resource);
    await this.#ports.meta.transaction((transaction) => storeTask(transaction, task));
    this.#logger.info("A job was begun", { job: `${path.type}/${path.job}` });
    this.#run(task);
  }

  /** What is cut off is done at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((resource) => this.#end(resource)));
    await this.#ports.older[Symbol.asyncDispose]();
  }

  async #end(resource: string): Promise<void> {
    const running = this.#running.get(resource);
    running?.stop.abort();
    await running?.ended;
  }

  #refusal(type: NodeJobType, action: string, hasSpec: boolean): SkerryError | undefined {
    if (!NODE_JOB_FLOWS[type].includes(action)) return actionUnknown(action);
    if (!hasSpec) return specInvalid("The job has no spec");
    return this.#running.size >= LIMIT ? tooManyTasks(LIMIT) : undefined;
  }

  #run(task: StoredTask): void {
    const stop = new AbortController();
    const ended = this.#work(task, stop.signal)
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        this.#logger.error("A job could not be done; it is tried again when EdgeCore starts", {
          job: task.resource,
          error: describeError(error),
        });
      })
      .finally(() => this.#running.delete(task.resource));
    this.#running.set(task.resource, { ended, stop });
  }

  async #work(begun: StoredTask, signal: AbortSignal): Promise<void> {
    const type = parseNodeJobPath(begun.resource)?.type;
    if (type === undefined) return;
    let task = begun;
    for (let action = nextAction(type, task); action !== undefined; action = nextAction(type, task)) {
      const outcome = await this.#step(type, task, action, signal);
      if (outcome.kind === "restarting" || signal.aborted) return;
      task = await this.#report(task, action, outcome, isLast(type, action, outcome.kind === "done"));
    }
    const failed = task.reports.find(({ succeeded }) => !succeeded);
    this.#logger.info(failed ? "A job failed" : "A job is done", {
      job: task.resource,
      ...(failed ? { step: failed.action, reason: failed.reason } : {}),
    });
  }

  async #step(type: NodeJobType, { id, spec }: StoredTask, action: string, signal: AbortSignal): Promise<StepOutcome> {
    const step = this.#ports.steps[type][action];
    if (!step) return { kind: "failed", reason: reasonOf(actionUnknown(action)) };
    try {
      return await step({ id, spec, signal });
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "failed", reason: describeError(error) };
    }
  }

  /** The step's end and its report are one. */
  async #report(
    task: StoredTask,
    action: string,
    outcome: Exclude<StepOutcome, { kind: "restarting" }>,
    finished: boolean,
  ): Promise<StoredTask> {
    const { meta, clock } = this.#ports;
    const report = newReport(clock, task.id, action, { ...outcome, succeeded: outcome.kind === "done" });
    const next: StoredTask = { ...task, reports: [...task.reports, report], finished };
    await meta.transaction((transaction) => {
      storeTask(transaction, next);
      putReport(meta.outbox, transaction, task.resource, report);
    });
    return next;
  }

  /** The cloud has lost what it was told, or not got it yet. */
  async #reportAgain(task: StoredTask): Promise<void> {
    const { meta } = this.#ports;
    await meta.transaction((transaction) => {
      for (const report of task.reports) putReport(meta.outbox, transaction, task.resource, report);
    });
  }
}

/** The step to be done now; undefined when the part is over. */
function nextAction(type: NodeJobType, { firstAction, reports, finished }: StoredTask): string | undefined {
  if (finished) return undefined;
  const last = reports.at(-1);
  if (!last) return firstAction;
  return followerOf(type, last);
}

function followerOf(type: NodeJobType, last: NodeJobReport): string | undefined {
  if (!last.succeeded) return ROLLED_BACK_AFTER.has(last.action) ? ROLL_BACK : undefined;
  const flow = NODE_JOB_FLOWS[type];
  return flow.includes(last.action) ? flow[flow.indexOf(last.action) + 1] : undefined;
}

function isLast(type: NodeJobType, action: string, succeeded: boolean): boolean {
  return followerOf(type, { action, succeeded, finishTime: "", reason: "", extend: "" }) === undefined;
}

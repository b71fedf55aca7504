import type { NodeJob, NodeTaskStatus, Status } from "@skerry/api";
import { type Clock, describeError, type Logger, sleep } from "@skerry/base";
import { failureStatus, isApiError, type KubernetesApi } from "@skerry/kube";
import {
  errorStatusContent,
  isOutboxMessageId,
  type Message,
  type NodeJobPath,
  type NodeJobReport,
  parseNodeJobPath,
  readNodeJobReport,
} from "@skerry/link";
import type { Reply, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { JOB_KINDS } from "./job-kinds.ts";
import { jobStatus } from "./job-progress.ts";
import { writeStatus } from "./job-store.ts";
import { withReport } from "./node-task.ts";

export interface JobReportsOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Others write the same status: a report is written on its newest state, so often and so far apart at most. */
const TRIES = 10;
const TRY_AGAIN_MS = 100;

/**
 * Takes nodes' reports into the jobs' status (wire.md U32). A node with Skerry's delivery keeps its report until it is
 * answered; KubeEdge's does not wait for an answer, and gets none.
 */
export class JobReports implements UpstreamHandler {
  readonly #options: JobReportsOptions;

  constructor(options: JobReportsOptions) {
    this.#options = options;
  }

  async handle(nodeName: string, message: Message, reply: Reply): Promise<void> {
    const refusal = await this.#take(nodeName, message).catch((error: unknown) =>
      failureStatus(503, "ServiceUnavailable", `the job's status cannot be written now: ${describeError(error)}`),
    );
    const { logger } = this.#options;
    if (refusal) {
      const { resource } = message.route;
      logger.warn("A node's report on a job was not taken", { node: nodeName, resource, reason: refusal.message });
    }
    if (isOutboxMessageId(message.header.msg_id)) reply(refusal ? errorStatusContent(refusal) : "OK");
  }

  /** Undefined: it is written, or was already. */
  async #take(nodeName: string, message: Message): Promise<Status | undefined> {
    const path = parseNodeJobPath(message.route.resource);
    const report = readNodeJobReport(message.content);
    if (!path || !report) return failureStatus(400, "BadRequest", "this is no report on a job");
    if (path.node !== nodeName) return failureStatus(403, "Forbidden", "the report is about another node");
    for (let tries = 1; ; tries++) {
      try {
        return await this.#write(path, report);
      } catch (error) {
        if (tries >= TRIES || !isApiError(error, "Conflict")) throw error;
        await sleep(this.#options.clock, TRY_AGAIN_MS);
      }
    }
  }

  async #write(path: NodeJobPath, report: NodeJobReport): Promise<Status | undefined> {
    const { api } = this.#options;
    const kind = JOB_KINDS[path.type];
    let job: NodeJob;
    try {
      job = await api.get<NodeJob>({ resource: kind.resource, name: path.job });
    } catch (error) {
      if (isApiError(error, "NotFound")) return error.status;
      throw error;
    }
    if (report.jobUid !== undefined && report.jobUid !== job.metadata.uid)
      return failureStatus(410, "Gone", `another job took the place of "${path.job}"`);
    const tasks = job.status?.nodeStatus ?? [];
    const task = tasks.find(({ nodeName }) => nodeName === path.node);
    if (!task || task.phase === "Pending")
      return failureStatus(404, "NotFound", `"${path.job}" has not been given to the node`);
    const next = withReport(path.type, task, report);
    if (!next) return failureStatus(400, "BadRequest", `such jobs have no step "${report.action}"`);
    const changed = tasks.map((each): NodeTaskStatus => (each === task ? next : each));
    await writeStatus(api, kind, job, jobStatus(kind.scopeOf(job), changed));
    return undefined;
  }
}

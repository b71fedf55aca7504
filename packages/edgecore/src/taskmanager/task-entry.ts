import type { Clock, Logger } from "@skerry/base";
import { type Message, parseNodeJobPath } from "@skerry/link";
import type { CloudLink, DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { reasonOf, tasksDisabled } from "./errors.ts";
import { parseOlderTaskPath } from "./older-task-path.ts";
import { newReport, putReport } from "./report.ts";
import { hasUnfinishedTasks } from "./task-table.ts";

/** What does the jobs, once it is loaded. */
export interface RunningTasks extends DownstreamHandler, AsyncDisposable {
  start(): void;
}

/** What EdgeCore gives it. */
export interface TaskServices {
  readonly meta: MetaClient;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TaskEntryPorts extends TaskServices {
  readonly nodeName: string;
  /** Whether new jobs are taken; those that were begun are done in any case. */
  readonly enabled: boolean;
  /** Loads what does the jobs: its memory is used only on nodes that have had one. */
  readonly load: (services: TaskServices) => Promise<RunningTasks>;
}

/** Where jobs for this node come in (wire.md D26, D27). */
export class TaskEntry implements DownstreamHandler, AsyncDisposable {
  readonly #ports: TaskEntryPorts;
  #loading: Promise<RunningTasks> | undefined;

  constructor(ports: TaskEntryPorts) {
    this.#ports = ports;
  }

  async start(): Promise<void> {
    if (this.#ports.meta.read(hasUnfinishedTasks)) await this.#load();
  }

  async handle(message: Message): Promise<void> {
    const { operation = "", resource } = message.route;
    const { nodeName, logger } = this.#ports;
    if (operation === "response" || operation === "error") return; // An answer that nobody waits for any more.
    const path = parseNodeJobPath(resource) ?? parseOlderTaskPath(resource);
    if (path?.node !== nodeName) {
      logger.warn("A job that is not for this node is not done", { resource, operation });
      return;
    }
    if (this.#ports.enabled) await (await this.#load()).handle(message);
    else if ("job" in path) await this.#refuse(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#loading?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  async #refuse(message: Message): Promise<void> {
    const { meta, clock } = this.#ports;
    const { operation = "", resource = "" } = message.route;
    const reason = reasonOf(tasksDisabled());
    const report = newReport(clock, message.header.msg_id, operation, { succeeded: false, reason });
    await meta.transaction((transaction) => putReport(meta.outbox, transaction, resource, report));
  }

  #load(): Promise<RunningTasks> {
    this.#loading ??= this.#ports.load(this.#ports).then((tasks) => {
      tasks.start();
      return tasks;
    });
    return this.#loading;
  }
}

import type { JsonObject } from "@skerry/base";
import type { NodeJobReport } from "@skerry/link";
import type { Reader, Row, Transaction } from "@skerry/store";

/** This node's part of a job, as it is stored. */
export interface StoredTask {
  readonly resource: string;
  readonly id: string;
  readonly firstAction: string;
  readonly spec: JsonObject;
  readonly reports: readonly NodeJobReport[];
  readonly finished: boolean;
}

/** Finished parts that are remembered, so that one that is given again is known; the oldest are forgotten. */
const FINISHED_LIMIT = 200;
const COLUMNS = "resource, id, first_action, spec, reports, finished";

/** Whether anything was begun and is not finished. */
export function hasUnfinishedTasks(reader: Reader): boolean {
  return reader.first("SELECT 1 AS found FROM task WHERE finished = 0 LIMIT 1") !== undefined;
}

export function unfinishedTasks(reader: Reader): StoredTask[] {
  return reader.all(`SELECT ${COLUMNS} FROM task WHERE finished = 0 ORDER BY position`).map(taskOf);
}

export function taskOfResource(reader: Reader, resource: string): StoredTask | undefined {
  const row = reader.first(`SELECT ${COLUMNS} FROM task WHERE resource = ?`, resource);
  return row && taskOf(row);
}

/** Stores the part anew: it takes the place of an older one of the same resource. */
export function storeTask(transaction: Transaction, task: StoredTask): void {
  transaction.run("DELETE FROM task WHERE resource = ?", task.resource);
  transaction.run(
    "INSERT INTO task (resource, id, first_action, spec, reports, finished) VALUES (?, ?, ?, ?, ?, ?)",
    task.resource,
    task.id,
    task.firstAction,
    JSON.stringify(task.spec),
    JSON.stringify(task.reports),
    task.finished ? 1 : 0,
  );
  transaction.run(
    `DELETE FROM task WHERE finished = 1 AND position NOT IN
       (SELECT position FROM task WHERE finished = 1 ORDER BY position DESC LIMIT ?)`,
    FINISHED_LIMIT,
  );
}

function taskOf(row: Row): StoredTask {
  return {
    resource: String(row["resource"]),
    id: String(row["id"]),
    firstAction: String(row["first_action"]),
    // Both written by `storeTask`.
    spec: JSON.parse(String(row["spec"])) as JsonObject,
    reports: JSON.parse(String(row["reports"])) as NodeJobReport[],
    finished: row["finished"] === 1,
  };
}

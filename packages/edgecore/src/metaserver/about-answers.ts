import type { Clock } from "@skerry/base";
import type { Database } from "@skerry/store";
import {
  type ApiRequest,
  type ApiResponse,
  jsonResponse,
  offlineStatus,
  statusResponse,
  warning,
} from "./api-exchange.ts";
import { type CloudApi, isPassing } from "./cloud-api.ts";

/** Answers that are kept; beyond it those that came longest ago go. */
const MAX_ANSWERS = 200;
/** Length of all of them together. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** Answers questions about the API server (what it serves, its version): the cloud's answer, offline the last one. */
export class AboutAnswers {
  readonly #ports: { readonly cloud: CloudApi; readonly database: Database; readonly clock: Clock };

  constructor(ports: { readonly cloud: CloudApi; readonly database: Database; readonly clock: Clock }) {
    this.#ports = ports;
  }

  async answer(path: string, { signal }: ApiRequest): Promise<ApiResponse> {
    const { cloud, database } = this.#ports;
    const reply = await cloud.ask({ key: path, verb: "get" }, signal);
    if (reply.kind === "approved") {
      await this.#keep(path, reply.responseBody ?? "");
      return jsonResponse(200, reply.responseBody ?? "");
    }
    if (reply.kind === "rejected" && !isPassing(reply.status)) return statusResponse(reply.status);
    const row = database.read((reader) =>
      reader.first("SELECT value, received_ms FROM api_answer WHERE path = ?", path),
    );
    const reason = reply.kind === "rejected" ? (reply.status.message ?? "") : reply.reason;
    if (!row) return statusResponse(offlineStatus(path, reason));
    const since = new Date(Number(row["received_ms"])).toISOString();
    // Clients ask for many of these at once; only the ones that people look at say how old they are.
    return jsonResponse(200, String(row["value"]), path === "/version" ? warning(`stale since ${since}`) : {});
  }

  async #keep(path: string, value: string): Promise<void> {
    const { database, clock } = this.#ports;
    const known = database.read((reader) => reader.first("SELECT value FROM api_answer WHERE path = ?", path));
    if (known?.["value"] === value || value.length > MAX_LENGTH / 2) return;
    await database.transaction((transaction) => {
      transaction.run(
        `INSERT INTO api_answer (path, value, received_ms) VALUES (?, ?, ?)
         ON CONFLICT (path) DO UPDATE SET value = excluded.value, received_ms = excluded.received_ms`,
        path,
        value,
        clock.now(),
      );
      let length = 0;
      const kept = transaction.all(
        "SELECT path, LENGTH(value) AS length FROM api_answer ORDER BY received_ms DESC, path",
      );
      for (const [index, row] of kept.entries()) {
        length += Number(row["length"]);
        if (index < MAX_ANSWERS && length <= MAX_LENGTH) continue;
        transaction.run("DELETE FROM api_answer WHERE path = ?", String(row["path"]));
      }
    });
  }
}

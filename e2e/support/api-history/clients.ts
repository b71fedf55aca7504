import { configMaps, type Status } from "@skerry/api";
import { isSkerryError, type Random, randomInteger } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import type { ListRecord, ObservedState, WatchRecord, WriteRecord } from "./api-history.ts";
import { type HistoryRecorder, NAMES, observed, type WrittenObject } from "./history-recorder.ts";
import type { KilledServer } from "./killed-server.ts";

const TARGET = { resource: configMaps, namespace: "default" };
/** So that the database's log is moved into its file many times. */
const LONGEST_FILLER = 20_000;
/** Revisions that a watch or a list of the past goes back; far fewer than the server keeps. */
const LOOK_BACK = 500;
const PAGE_LIMIT = 2;

/** What a client of the test works with. */
export interface ClientPorts {
  readonly server: KilledServer;
  readonly recorder: HistoryRecorder;
  readonly random: Random;
  /** Aborted when the client is to come to its end. */
  readonly stop: AbortSignal;
}

/** Writes one thing after the other: creates, conditional updates, patches, deletions. */
export async function runWriter(client: string, { server, recorder, random, stop }: ClientPorts): Promise<void> {
  for (let count = 0; !stop.aborted; count++) {
    const api = await server.api();
    const name = NAMES[randomInteger(random, NAMES.length)] ?? "";
    await writeOnce(api, recorder, random, name, `${client}-${count}`);
  }
}

/** One write whose value is `value`. */
export async function writeOnce(
  api: KubernetesApi,
  recorder: HistoryRecorder,
  random: Random,
  name: string,
  value: string,
): Promise<void> {
  const at = { ...TARGET, name };
  const data = { write: value, filler: "x".repeat(randomInteger(random, LONGEST_FILLER)) };
  const body: WrittenObject = {
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: { name, labels: { side: name.startsWith("left-") ? "left" : "right" } },
    data,
  };
  const current = await answered(() => api.get<WrittenObject>(at));
  const choice = randomInteger(random, 10);
  if (current === "unknown") return;
  if (typeof current === "number")
    return record(recorder, { verb: "create", name, value }, () => api.create(TARGET, body));
  const { uid = "", resourceVersion = "" } = current.metadata;
  if (choice < 3)
    return record(recorder, { verb: "delete", name, value: uid }, () => api.delete(at, { preconditions: { uid } }));
  if (choice < 7) {
    const conditional = { ...body, metadata: { ...body.metadata, resourceVersion } };
    const intent = { verb: "update", name, value, basedOn: Number(resourceVersion) } as const;
    return record(recorder, intent, () => api.update(at, conditional));
  }
  await record(recorder, { verb: "patch", name, value }, () => api.patch(at, { type: "merge", body: { data } }));
}

async function record(
  recorder: HistoryRecorder,
  intent: Pick<WriteRecord, "verb" | "name" | "value" | "basedOn">,
  send: () => Promise<WrittenObject | Status>,
): Promise<void> {
  recorder.sentCount++;
  const beganAtMs = performance.now();
  const answer = await answered(send);
  recorder.wrote({ ...intent, beganAtMs, endedAtMs: performance.now(), outcome: outcomeOf(intent.verb, answer) });
}

function outcomeOf(
  verb: WriteRecord["verb"],
  answer: WrittenObject | Status | number | "unknown",
): WriteRecord["outcome"] {
  if (answer === "unknown") return { type: "unknown" };
  if (typeof answer === "number") return { type: "refused", httpStatus: answer };
  if (verb === "delete") return { type: "deleted" };
  const state = observed(answer as WrittenObject); // What is no Status is the object that was written.
  if (!state) throw new Error(`a ${verb} was answered with ${JSON.stringify(answer).slice(0, 500)}`);
  return { type: "acknowledged", state };
}

/** The answer, the HTTP status of a refusal, or that none came. @throws ApiError for an answer that means a fault */
async function answered<T extends object>(ask: () => Promise<T>): Promise<T | number | "unknown"> {
  try {
    return await ask();
  } catch (error) {
    if (isApiError(error) && error.httpStatus < 500) return error.httpStatus;
    if (isSkerryError(error, "KUBE_UNREACHABLE")) return "unknown";
    throw error;
  }
}

/** How a watch behaves. */
export interface WatchHabit {
  readonly watcher: string;
  /** `left-`, or empty for all. */
  readonly prefix: string;
  /** Leaves after so many events at most, and comes back. */
  readonly mostEvents?: number;
  /** Comes back with a revision before the last one it has seen. */
  readonly looksBack?: boolean;
}

/** Watches, and after each end goes on from where it was. */
export async function runWatcher(habit: WatchHabit, { server, recorder, random, stop }: ClientPorts): Promise<void> {
  let last = recorder.emptyAt;
  while (!stop.aborted) {
    const api = await server.api();
    const back = habit.looksBack ? randomInteger(random, LOOK_BACK) : 0;
    const watch: WatchRecord = {
      ...{ watcher: habit.watcher, prefix: habit.prefix, changes: [] },
      from: Math.max(recorder.emptyAt, last - back),
    };
    recorder.watches.push(watch);
    const most =
      habit.mostEvents === undefined ? Number.POSITIVE_INFINITY : 1 + randomInteger(random, habit.mostEvents);
    await answered(() => watchOnce(api, watch, most, stop));
    last = Math.max(last, watch.changes.at(-1)?.revision ?? 0);
  }
}

async function watchOnce(
  api: KubernetesApi,
  watch: WatchRecord,
  most: number,
  stop: AbortSignal,
): Promise<WatchRecord> {
  try {
    const events = api.watch<WrittenObject>(TARGET, {
      resourceVersion: String(watch.from),
      ...(watch.prefix === "" ? {} : { labelSelector: `side=${watch.prefix.slice(0, -1)}` }),
      signal: stop,
    });
    for await (const event of events) {
      const state = event.type === "BOOKMARK" ? undefined : observed(event.object);
      if (event.type !== "BOOKMARK" && state) watch.changes.push({ type: event.type, ...state });
      if (watch.changes.length >= most) break;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  return watch;
}

/** Lists: the present, page by page, and revisions of the past. */
export async function runLister({ server, recorder, random, stop }: ClientPorts): Promise<void> {
  while (!stop.aborted) {
    const api = await server.api();
    const past = recorder.revisions.at(-1 - randomInteger(random, LOOK_BACK));
    const choice = randomInteger(random, 3);
    const list = await answered(() =>
      choice === 0 ? listPages(api) : listWhole(api, choice === 1 ? past : undefined),
    );
    if (typeof list === "object") recorder.lists.push(list);
  }
}

/** One list of the present or of a revision. */
export async function listWhole(api: KubernetesApi, revision?: number): Promise<ListRecord> {
  const beganAtMs = performance.now();
  const exactly = { resourceVersion: String(revision), resourceVersionMatch: "Exact" } as const;
  const { metadata, items } = await api.list<WrittenObject>(TARGET, revision === undefined ? {} : exactly);
  return {
    ...{ beganAtMs, endedAtMs: performance.now(), of: revision === undefined ? "present" : "past" },
    revision: Number(metadata.resourceVersion),
    items: statesOf(items),
  };
}

async function listPages(api: KubernetesApi): Promise<ListRecord> {
  const beganAtMs = performance.now();
  const items: ObservedState[] = [];
  let [token, revision] = ["", 0];
  do {
    const page = await api.list<WrittenObject>(TARGET, {
      limit: PAGE_LIMIT,
      ...(token === "" ? {} : { continue: token }),
    });
    items.push(...statesOf(page.items));
    token = page.metadata.continue ?? "";
    revision = Number(page.metadata.resourceVersion);
  } while (token !== "");
  return { beganAtMs, endedAtMs: performance.now(), of: "past", revision, items };
}

function statesOf(items: readonly WrittenObject[]): ObservedState[] {
  return items.map(observed).filter((state) => state !== undefined);
}

import { join } from "node:path";
import { type Clock, sleep } from "@skerry/base";
import { refused } from "../errors.ts";
import type { LogFile, LogFiles } from "./log-files.ts";
import { LogFormatter } from "./log-formatter.ts";
import type { LogOptions } from "./log-options.ts";
import type { LogPace } from "./log-pace.ts";
import { findTail } from "./log-tail.ts";

/** Which container's log, and how to tell that nothing more will come. */
export interface LogSource {
  readonly pod: string;
  readonly container: string;
  /** Holds `<restarts>.log` and what was set aside of it. */
  readonly folder: string;
  /** Whether the container of this restart count may still write. */
  isRunning(restartCount: number): Promise<boolean>;
}

export interface ContainerLogPorts {
  readonly files: LogFiles;
  readonly clock: Clock;
  /** Shared by all logs of a process. */
  readonly pace: LogPace;
}

const BLOCK_BYTES = 64 * 1024;
const POLL_MS = 200;
/** The runtime is asked only at every so manieth poll. */
const POLLS_PER_CHECK = 5;

/**
 * A container's log as `kubectl logs` prints it, what was set aside by the rotation included; when followed, until the
 * container has ended or the signal is aborted.
 * @param head comes first, once it is clear that there is such a log
 * @throws SkerryError `STREAMS_REFUSED` before the first block when there is no such log
 */
export async function* containerLog(
  ports: ContainerLogPorts,
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
  head: Uint8Array = new Uint8Array(),
): AsyncGenerator<Uint8Array> {
  const names = await ports.files.list(source.folder);
  const restartCount = chooseRestart(names, source, options.previous);
  const current = join(source.folder, `${restartCount}.log`);
  const files = await openAll(ports.files, source.folder, current, names);
  try {
    yield head;
    const sizeAtFirst = (await files.at(-1)?.sizeBytes()) ?? 0;
    const start =
      options.tailLines === undefined
        ? { file: 0, position: 0 }
        : await findTail(files, options.tailLines, sizeAtFirst);
    // Who does not follow gets what was there when they asked, and not what is written while it is read.
    const lastEnd = options.follow ? Number.POSITIVE_INFINITY : sizeAtFirst;
    const formatter = new LogFormatter(options);
    let { position } = start;
    for (let index = start.file; index < files.length; index++) {
      const file = files[index];
      if (!file) continue;
      for (;;) {
        const leftBytes = index === files.length - 1 ? lastEnd - position : BLOCK_BYTES;
        const block = await file.read(position, Math.max(0, Math.min(BLOCK_BYTES, leftBytes)));
        if (signal.aborted || formatter.isFull) return;
        if (block.length === 0) break;
        position += block.length;
        const output = await ports.pace.run(() => formatter.format(block));
        if (output.length > 0) yield output;
      }
      if (index === files.length - 1 && options.follow && !options.previous) {
        const more = await waitForMore(ports, source, restartCount, current, file, position, signal);
        if (more.kind === "end") return;
        if (more.kind === "grown") {
          index--;
          continue;
        }
        files.push(more.file);
      }
      position = 0;
    }
  } finally {
    for (const file of files) await file[Symbol.asyncDispose]();
  }
}

type More =
  | { readonly kind: "grown" }
  | { readonly kind: "rotated"; readonly file: LogFile }
  | { readonly kind: "end" };

/** Waits at the end of the newest file until it has grown, was replaced by a new one, or will never grow. */
async function waitForMore(
  { files, clock }: ContainerLogPorts,
  source: LogSource,
  restartCount: number,
  path: string,
  file: LogFile,
  position: number,
  signal: AbortSignal,
): Promise<More> {
  let ended = false;
  for (let poll = 0; !signal.aborted; poll++) {
    // Asked before the size: what was written before the end is then seen below.
    if (poll % POLLS_PER_CHECK === 0) ended = !(await source.isRunning(restartCount));
    const idNow = await files.idAt(path);
    if ((await file.sizeBytes()) > position) return { kind: "grown" };
    if (idNow !== undefined && idNow !== file.id) {
      const next = await files.open(path);
      if (next) return { kind: "rotated", file: next };
    }
    if (ended) return { kind: "end" };
    await sleep(clock, POLL_MS, signal).catch(() => undefined);
  }
  return { kind: "end" };
}

function chooseRestart(names: readonly string[], { pod, container }: LogSource, previous: boolean): number {
  const restarts = [...new Set(names.flatMap((name) => /^(\d+)\.log/.exec(name)?.[1] ?? []).map(Number))];
  restarts.sort((left, right) => right - left);
  const chosen = restarts[previous ? 1 : 0];
  if (chosen !== undefined) return chosen;
  if (previous) throw refused(400, `previous terminated container "${container}" in pod "${pod}" not found`);
  throw refused(400, `container "${container}" in pod "${pod}" is waiting to start`);
}

/** All files of one container, the oldest first. The newest is opened first, so that a rotation meanwhile loses none. */
async function openAll(
  files: LogFiles,
  folder: string,
  current: string,
  namesBefore: readonly string[],
): Promise<LogFile[]> {
  const newest = await files.open(current);
  const prefix = `${current.slice(folder.length + 1)}.`;
  const names = new Set([...namesBefore, ...(await files.list(folder))]);
  const setAside = [...names].filter((name) => name.startsWith(prefix)).sort();
  const opened: LogFile[] = [];
  for (const name of setAside) {
    const file = await files.open(join(folder, name));
    if (file && file.id === newest?.id) await file[Symbol.asyncDispose]();
    else if (file) opened.push(file);
  }
  return newest ? [...opened, newest] : opened;
}

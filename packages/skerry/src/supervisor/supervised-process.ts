import { type ChildProcess, spawn } from "node:child_process";
import { type Clock, type Logger, SkerryError, type Timer } from "@skerry/base";
import { isAlive, RotatingLog, sendSignal } from "@skerry/base/platform";
import { partNotReady } from "../errors.ts";
import { isPartMessage, type PartMessage } from "./part-messages.ts";

/** How a part is run. */
export interface PartDescription {
  readonly name: string;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logPath: string;
  /** Whether the part reports over IPC when it is ready; others count as ready when `isReady` says so. */
  readonly readiness: { readonly kind: "message" } | { readonly kind: "probe"; isReady(): Promise<boolean> };
  /** @default 30000 */
  readonly readyTimeoutMs?: number;
  /** How long it may take to end after SIGTERM. @default 10000 */
  readonly stopTimeoutMs?: number;
  /** How it is ended when the machine goes down; left out: as ever. */
  readonly shutdown?: { readonly signal: NodeJS.Signals; readonly timeoutMs: number };
}

/** What a part does now. */
export type PartState =
  | { readonly kind: "starting" }
  /** `sinceMs` by the wall clock. */
  | { readonly kind: "running"; readonly sinceMs: number }
  | { readonly kind: "waiting"; readonly reason: string; readonly retryInMs: number }
  | { readonly kind: "stopped" };

const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;
/** A part that ran this long starts again without back-off. */
const STEADY_MS = 60_000;
const PROBE_INTERVAL_MS = 50;

/** A process that is started again, with back-off, whenever it ends without being told to. */
export class SupervisedProcess implements AsyncDisposable {
  readonly description: PartDescription;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  readonly #log: RotatingLog;
  #child: ChildProcess | undefined;
  #state: PartState = { kind: "stopped" };
  #restarts = 0;
  #backOffMs = FIRST_BACK_OFF_MS;
  #startedMs = 0;
  #timer: Timer | undefined;
  #stopping = false;
  #facts: Readonly<Record<string, string | number>> = {};

  constructor(description: PartDescription, clock: Clock, logger: Logger, onChange: () => void) {
    this.description = description;
    this.#clock = clock;
    this.#logger = logger;
    this.#onChange = onChange;
    this.#log = new RotatingLog(description.logPath);
  }

  get state(): PartState {
    return this.#state;
  }

  get processId(): number | undefined {
    return this.#child?.pid;
  }

  /** How often the part was started again after it had ended by itself. */
  get restarts(): number {
    return this.#restarts;
  }

  /** What the part told when it became ready. */
  get facts(): Readonly<Record<string, string | number>> {
    return this.#facts;
  }

  /** Starts the part and resolves when it is ready. Throws the part's own error, or SKERRY_PART_NOT_READY. */
  async start(): Promise<void> {
    const { name, logPath, readiness } = this.description;
    const timeoutMs = this.description.readyTimeoutMs ?? 30_000;
    this.#stopping = false;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: SkerryError): void => {
        this.#stopping = true; // A part that never was ready is not started again by itself.
        timer.cancel();
        sendSignal(this.#child?.pid, "SIGKILL");
        reject(error);
      };
      const timer = this.#clock.setTimer(timeoutMs, () =>
        fail(partNotReady(name, `no answer within ${timeoutMs / 1000} s`, logPath)),
      );
      let wasReady = false;
      const ready = (): void => {
        wasReady = true;
        timer.cancel();
        resolve();
      };
      let told = false;
      this.#spawn({
        onMessage: (message) => {
          if (message.kind === "ready") ready();
          else if (wasReady) this.#logger.error(`${name}: ${message.message}`, { code: message.code });
          else {
            told = true;
            fail(new SkerryError({ code: message.code, message: message.message, advice: message.advice }));
          }
        },
        onExit: (reason) => {
          if (!told) fail(partNotReady(name, reason, logPath));
        },
      });
      if (readiness.kind === "probe") this.#probe(readiness, ready, () => this.#stopping);
    });
    this.#enter({ kind: "running", sinceMs: this.#clock.now() });
  }

  /** Ends the part as it is ended before the machine goes down, and forces it when it takes too long. */
  async shutDown(): Promise<void> {
    const { signal, timeoutMs } = this.description.shutdown ?? this.#usualStop;
    await this.#end(signal, timeoutMs);
  }

  /** Ends the part: SIGTERM, then SIGKILL when it takes too long. */
  async stop(): Promise<void> {
    const { signal, timeoutMs } = this.#usualStop;
    await this.#end(signal, timeoutMs);
  }

  get #usualStop(): NonNullable<PartDescription["shutdown"]> {
    return { signal: "SIGTERM", timeoutMs: this.description.stopTimeoutMs ?? 10_000 };
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    const child = this.#child;
    const processId = child?.pid;
    if (child && processId !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      sendSignal(processId, signal);
      const killer = this.#clock.setTimer(timeoutMs, () => {
        if (isAlive(processId)) sendSignal(processId, "SIGKILL");
      });
      await ended;
      killer.cancel();
    }
    this.#enter({ kind: "stopped" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#log[Symbol.dispose]();
  }

  #spawn(first?: { onMessage(message: PartMessage): void; onExit(reason: string): void }): void {
    const [program = "", ...parameters] = this.description.command;
    const ipc = this.description.readiness.kind === "message";
    this.#enter({ kind: "starting" });
    this.#startedMs = this.#clock.monotonicMs();
    const child = spawn(program, parameters, {
      stdio: ipc ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.description.environment },
      // Its own process group: Ctrl-C at a terminal reaches the supervisor only, which stops the parts in order.
      detached: true,
    });
    this.#child = child;
    child.stdout?.on("data", (chunk: Uint8Array) => this.#log.write(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => this.#log.write(chunk));
    child.on("message", (message) => {
      if (!isPartMessage(message)) return;
      if (message.kind === "ready") this.#facts = message.facts;
      if (first) first.onMessage(message);
      else if (message.kind === "ready") this.#enter({ kind: "running", sinceMs: this.#clock.now() });
      else this.#logger.error(`${this.description.name}: ${message.message}`, { code: message.code });
    });
    child.on("error", (error) => {
      if (child.pid === undefined) this.#ended(error.message, first);
    });
    child.on("exit", (code, signal) =>
      this.#ended(signal ? `it was ended by ${signal}` : `it ended with status ${code}`, first),
    );
    if (!first && !ipc) this.#enter({ kind: "running", sinceMs: this.#clock.now() });
    this.#onChange();
  }

  #ended(reason: string, first?: { onExit(reason: string): void }): void {
    this.#child = undefined;
    if (this.#stopping) {
      this.#enter({ kind: "stopped" });
      first?.onExit(reason);
      return;
    }
    if (first && this.#state.kind === "starting") {
      first.onExit(reason);
      return;
    }
    const ranMs = this.#clock.monotonicMs() - this.#startedMs;
    const delayMs = ranMs >= STEADY_MS ? FIRST_BACK_OFF_MS : this.#backOffMs;
    this.#backOffMs = Math.min(delayMs * 2, LONGEST_BACK_OFF_MS);
    this.#logger.warn(`${this.description.name} ended; starting it again`, { reason, inMs: delayMs });
    this.#enter({ kind: "waiting", reason, retryInMs: delayMs });
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#restarts += 1;
      this.#spawn();
    });
  }

  #probe(readiness: { isReady(): Promise<boolean> }, ready: () => void, givenUp: () => boolean): void {
    const again = (): void => {
      if (givenUp()) return;
      readiness.isReady().then(
        (yes) => {
          if (yes) ready();
          else this.#clock.setTimer(PROBE_INTERVAL_MS, again);
        },
        () => this.#clock.setTimer(PROBE_INTERVAL_MS, again),
      );
    };
    again();
  }

  #enter(state: PartState): void {
    this.#state = state;
    this.#onChange();
  }
}

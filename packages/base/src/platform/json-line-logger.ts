import type { Clock } from "../clock.ts";
import type { LogFields, Logger, LogLevel } from "../logger.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Where and how log lines go. */
export interface LogOptions {
  readonly clock: Clock;
  /** Takes one line without its line end. */
  readonly write: (line: string) => void;
  /** Lines below this level are left out. @default "info" */
  readonly level?: LogLevel;
  /** `text` for people at a terminal, `json` for files and collectors. @default "json" */
  readonly format?: "text" | "json";
  /** Whether a text line begins with its time. @default true */
  readonly times?: boolean;
}

/** A logger that writes one line an event. */
export function createLogger(options: LogOptions, component = "", fields: LogFields = {}): Logger {
  const lowest = LEVELS.indexOf(options.level ?? "info");
  const log = (level: LogLevel, message: string, extra: LogFields = {}): void => {
    if (LEVELS.indexOf(level) < lowest) return;
    const time = new Date(options.clock.now()).toISOString();
    const facts = { ...fields, ...extra };
    if (options.format === "text") {
      const tail = Object.entries(facts)
        .filter(([, value]) => value !== undefined)
        .map(
          ([name, value]) =>
            `${name}=${typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value)}`,
        )
        .join(" ");
      options.write(
        `${(options.times ?? true) ? `${time} ` : ""}${level.toUpperCase().padEnd(5)} ${component ? `${component}: ` : ""}${message}${tail ? ` ${tail}` : ""}`,
      );
    } else {
      options.write(JSON.stringify({ time, level, ...(component ? { component } : {}), message, ...facts }));
    }
  };
  return {
    debug: (message, extra) => log("debug", message, extra),
    info: (message, extra) => log("info", message, extra),
    warn: (message, extra) => log("warn", message, extra),
    error: (message, extra) => log("error", message, extra),
    child: (name, extra) => createLogger(options, component ? `${component}.${name}` : name, { ...fields, ...extra }),
  };
}

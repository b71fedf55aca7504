import type { JsonValue } from "./json.ts";

/** Facts that go with a log line. Never secrets. */
export type LogFields = Readonly<Record<string, JsonValue | undefined>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log: a plain sentence and its facts. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry `component` (and the parent's fields). */
  child(component: string, fields?: LogFields): Logger;
}

/** A logger whose lines go to both. */
export function joinLoggers(first: Logger, second: Logger): Logger {
  const both =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      first[level](message, fields);
      second[level](message, fields);
    };
  return {
    debug: both("debug"),
    info: both("info"),
    warn: both("warn"),
    error: both("error"),
    child: (component, fields) => joinLoggers(first.child(component, fields), second.child(component, fields)),
  };
}

/** Swallows everything; for tests that assert on other things. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

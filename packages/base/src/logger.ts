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

/** Swallows everything; for tests that assert on other things. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

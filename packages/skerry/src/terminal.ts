import { SkerryError } from "@skerry/base";
import { codedError } from "./errors.ts";
import type { StepEvent } from "./supervisor/steps.ts";

const useColour = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";

const colours = { green: 32, red: 31, yellow: 33, grey: 90, bold: 1 } as const;

/** The text in a colour where the stream is a terminal. */
export function paint(colour: keyof typeof colours, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return useColour(stream) ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}

/** Writes one line to standard output. */
export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** The text as one word for a shell, quoted only where it must be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `320 ms`, `4.2 s`. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** `320 bytes`, `4.2 kB`, `1.3 MB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `8 s`, `5 min`, `3 h`, `2 days`: for a person, not exact. */
export function roughDuration(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 2) return `${Math.round(milliseconds / 1000)} s`;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** Shows the demo's steps: whole sentences, with chapters between them. */
export function printStoryStep(event: StepEvent): void {
  if (event.kind === "note") print(`\n${paint("bold", event.text)}`);
  else printStep(event, 76);
}

/** Shows a step when it is done, with its time. */
export function printStep(event: StepEvent, titleWidth = 20): void {
  switch (event.kind) {
    case "begun":
      return;
    case "note":
      print(`  ${paint("grey", event.text)}`);
      return;
    case "failed":
      print(`${paint("red", "✗")} ${event.title.padEnd(titleWidth)} ${duration(event.tookMs).padStart(8)}`);
      return;
    case "done": {
      const detail = event.detail === undefined ? "" : `  ${paint("grey", event.detail)}`;
      print(`${paint("green", "✓")} ${event.title.padEnd(titleWidth)} ${duration(event.tookMs).padStart(8)}${detail}`);
    }
  }
}

/** Shows what is wrong with a command line, and which help says more. */
export function printUsageError(error: Error, help: string): void {
  // Node.js goes on about arguments that begin with a dash: nobody has meant one.
  const message = error.message.replace(/^(Unknown option '[^']*')\..*$/s, "$1");
  process.stderr.write(`${paint("red", "SKERRY_USAGE", process.stderr)}: ${message}\nSee \`${help}\`.\n`);
}

/** Shows an error as a person needs it: what happened and what to do; a stack trace only for a bug. */
export function printError(thrown: unknown): void {
  const error = codedError(thrown);
  const red = (text: string): string => paint("red", text, process.stderr);
  if (error instanceof SkerryError) process.stderr.write(`${red(error.code)}: ${error.message}\n${error.advice}\n`);
  else
    process.stderr.write(
      `${red("SKERRY_INTERNAL")}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nThis is a bug in Skerry; please report it.\n`,
    );
}

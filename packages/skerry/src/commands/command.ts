/** Exit codes of the commands: documented in docs/command-line.md. */
export const EXIT_OK = 0;
/** The command was understood, but what it should do did not succeed; a coded error says why. */
export const EXIT_FAILED = 1;
/** The command line is wrong. */
export const EXIT_USAGE = 2;
/** A component ends so that whatever watches over it starts it again: its configuration has changed. */
export const EXIT_RESTART = 75;

/** One command of `skerry`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Usage, options and examples. */
  readonly help: string;
  /** Not shown in the list: entries of Skerry's own processes. */
  readonly internal?: boolean;
  /** Runs with the arguments after the command's name; resolves with the exit code. */
  run(parameters: readonly string[]): Promise<number>;
}

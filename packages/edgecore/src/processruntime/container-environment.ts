import type { ProcessCommand } from "./command-line.ts";

/** Names that a shell exports as they are; it keeps some for itself. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*=/;
const OF_THE_SHELL = /^(_|bb|count|plain|entry|IFS|LINENO|OPTIND|OLDPWD|PPID|PWD|SHLVL|LC_ALL|SKERRY_\w*)=/;

/**
 * A container's environment in the form in which the scripts take it (scripts.ts).
 * @param entries `NAME=value`
 */
export function handedOver(entries: readonly string[]): Record<string, string> {
  const isPlain = (entry: string): boolean => PLAIN.test(entry) && !OF_THE_SHELL.test(entry);
  const plain = entries.filter(isPlain);
  const all = [...plain, ...entries.filter((entry) => !isPlain(entry))];
  return {
    ...Object.fromEntries(all.map((entry, at) => [`SKERRY_${at}`, entry])),
    SKERRY_PLAIN: String(plain.length),
    SKERRY_ALL: String(all.length),
  };
}

/** A command as TERMINAL_SCRIPT takes it (scripts.ts); telnetd, which starts that, gives no arguments. */
export function handedToTerminal({ words, workingDirectory, environment }: ProcessCommand): Record<string, string> {
  const hasTerm = environment.some((entry) => entry.startsWith("TERM="));
  return {
    ...handedOver(hasTerm ? environment : ["TERM=xterm", ...environment]),
    ...Object.fromEntries(words.map((word, at) => [`SKERRY_WORD_${at}`, word])),
    SKERRY_WORDS: String(words.length),
    SKERRY_FOLDER: workingDirectory,
  };
}

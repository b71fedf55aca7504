const IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "it may not be read",
};

/** Why a file could not be read, in one line, in words where the machine has a code only. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ("code" in error && IN_WORDS[String(error.code)]) || (error.message.split("\n")[0] ?? "");
}

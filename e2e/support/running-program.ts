import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** The first capture of the pattern in what a running program prints; its output is read on, so that it never blocks. */
export function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    child.stdout?.on("data", (chunk) => {
      printed += String(chunk);
      const found = pattern.exec(printed);
      if (found) resolve(found[1] ?? found[0]);
    });
    child.once("close", () => reject(new Error(`the program ended after ${JSON.stringify(printed)}`)));
  });
}

/** Runs a program until it has printed what is expected, and ends it. */
export async function runUntil([program = "", ...parameters]: readonly string[], pattern: RegExp): Promise<string> {
  const child = spawn(program, parameters);
  try {
    return await firstMatch(child, pattern);
  } finally {
    await endProgram(child);
  }
}

/** Ends a running program and waits until it is gone. */
export async function endProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill();
  await closed;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientStreams } from "./command-session.ts";
import { serveExec, serveTerminal } from "./serve-exec.ts";

const NOBODY: ClientStreams = { stdin: undefined, stdout: undefined, stderr: undefined, resize: undefined };
const commandOf = (script: string): Parameters<typeof serveExec>[0] => ({
  words: ["sh", "-c", script],
  environment: {},
});

test("nothing is killed when the client goes after its command has ended, with a terminal or without", async (context) => {
  const kill = context.mock.method(process, "kill");
  const client = new AbortController();
  assert.equal(await serveExec(commandOf("exit 3"), NOBODY, client.signal), 3);
  assert.equal(await serveTerminal(commandOf("echo 4 >&3"), NOBODY, client.signal), 4);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  client.abort();
  context.mock.timers.tick(60_000);
  assert.equal(kill.mock.callCount(), 0);
});

test("a command is killed when its client goes", async () => {
  const client = new AbortController();
  // Without a shell: what one is just starting could be missed, and would hold the output open.
  const code = serveExec({ words: ["sleep", "1000"], environment: {} }, NOBODY, client.signal);
  client.abort();
  assert.equal(await code, 137);
});

test("a command that cannot start is told to who waits for it", async () => {
  const nothing = { words: ["/nope"], environment: {} };
  await assert.rejects(serveExec(nothing, NOBODY, AbortSignal.timeout(60_000)), /ENOENT/);
});

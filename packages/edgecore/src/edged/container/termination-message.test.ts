import assert from "node:assert/strict";
import { test } from "node:test";
import { PodPaths } from "../pod/pod-paths.ts";
import { terminationMessagePolicyAnnotation } from "../pod/runtime-names.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import { FakeFileSystem } from "../testing/fake-machine.ts";
import { terminationMessage } from "./termination-message.ts";

const paths = new PodPaths("/edged", "/logs", { namespace: "default", name: "web", uid: "u1" });

const ended = (exitCode: number, policy: string): RuntimeContainerStatus => ({
  ...{ id: "c1", sandboxId: "s1", name: "app", attempt: 0, state: "exited", createdAtMs: 0, startedAtMs: 0 },
  ...{ finishedAtMs: 0, exitCode, reason: "", message: "", image: "", imageId: "", labels: {} },
  annotations: { [terminationMessagePolicyAnnotation]: policy },
});

async function filesWith(path: string, text: string): Promise<FakeFileSystem> {
  const files = new FakeFileSystem();
  await files.makeDirectory(path.slice(0, path.lastIndexOf("/")), 0o755);
  await files.writeFile(path, new TextEncoder().encode(text), 0o644);
  return files;
}

test("a container's last words are what it wrote into its file, byte for byte", async () => {
  const files = await filesWith(paths.terminationLog("app", 0), "bye\n");
  assert.equal(await terminationMessage(files, paths, ended(0, "File")), "bye\n");
});

test("without a file, a failed container's last words are the end of its log, if it wants that", async () => {
  const line = (tag: string, text: string): string => `2026-01-01T00:00:00Z stdout ${tag} ${text}\n`;
  const files = await filesWith(
    "/logs/default_web_u1/app/0.log",
    `${line("F", "one")}${line("P", "tw")}${line("F", "o")}`,
  );
  assert.equal(await terminationMessage(files, paths, ended(1, "FallbackToLogsOnError")), "one\ntwo\n");
  assert.equal(await terminationMessage(files, paths, ended(0, "FallbackToLogsOnError")), "");
  assert.equal(await terminationMessage(files, paths, ended(1, "File")), "");
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Kubectl } from "./kubectl.ts";
import { endProgram, firstMatch } from "./running-program.ts";
import { waitUntil } from "./wait-until.ts";

const COUNTING = "i=0; while true; do echo line $i; i=$((i+1)); sleep 1; done";
const MEGABYTE = "0123456789abcdef".repeat(64 * 1024);

/**
 * A pod that the stream commands are tried on: `counts` counts on in its log, if it has no other script, and `web` serves
 * a page on port 8080.
 */
export function streamsPod(name: string, script: string = COUNTING): object {
  const image = { image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: "counts", ...image, command: ["sh", "-c", script] },
        { name: "web", ...image },
      ],
    },
  };
}

/** Declares tests of the stream commands, one after the other, on a running {@link streamsPod}. */
export function testStreamCommands(pod: string, kubectl: () => Kubectl): void {
  test("kubectl logs reads, follows and selects", async () => {
    assert.match(await kubectl().ok("logs", pod, "-c", "counts"), /^line 0\n/);
    assert.match(
      await kubectl().ok("logs", pod, "-c", "counts", "--tail=1", "--timestamps"),
      /^\d{4}-\S+Z line \d+\n$/,
    );
    assert.match(await kubectl().ok("logs", "-l", `app=${pod}`, "--all-containers", "--prefix"), /\/counts\] line \d/);
    const following = kubectl().start("logs", "-f", pod, "-c", "counts", "--tail=1");
    try {
      await firstMatch(following, /line \d+\nline \d+\n/);
    } finally {
      await endProgram(following);
    }
  });

  test("kubectl exec hands through output, errors, input to its end, and the exit code", async () => {
    const script = "echo out; echo err >&2; exit 3";
    const ended = await kubectl().run("exec", pod, "-c", "counts", "--", "sh", "-c", script);
    assert.equal(ended.status, 3, ended.stderr);
    assert.equal(ended.stdout, "out\n");
    assert.match(ended.stderr, /^err\n/);
    const copied = await kubectl().runWith(MEGABYTE, "exec", "-i", pod, "-c", "counts", "--", "cat");
    assert.equal(copied.status, 0, copied.stderr);
    assert.ok(copied.stdout === MEGABYTE, `${copied.stdout.length} of ${MEGABYTE.length} bytes came back`);
    const unknown = await kubectl().run("exec", pod, "-c", "counts", "--", "/no/such/program");
    assert.notEqual(unknown.status, 0);
    assert.match(unknown.stderr, /no such file/i);
  });

  test("kubectl exec -it has a terminal, of the size that the user's has", async () => {
    const script = 'tty; while [ "$(stty size)" != "33 77" ]; do sleep 1; done; echo resized';
    const ended = await kubectl().runWithTerminal("exec", "-it", pod, "-c", "counts", "--", "sh", "-c", script);
    assert.equal(ended.status, 0, ended.stdout);
    assert.match(ended.stdout, /\/dev\/pts\/\d+[\s\S]*resized/);
  });

  test("kubectl attach shows what the container writes from now on", async () => {
    const attached = kubectl().start("attach", pod, "-c", "counts");
    try {
      await firstMatch(attached, /line \d+\nline \d+\n/);
    } finally {
      await endProgram(attached);
    }
  });

  test("kubectl cp brings a file there and back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skerry-cp-"));
    try {
      writeFileSync(join(folder, "there"), MEGABYTE);
      await kubectl().ok("cp", join(folder, "there"), `${pod}:/there`, "-c", "counts");
      await kubectl().ok("cp", `${pod}:/there`, join(folder, "back"), "-c", "counts");
      assert.ok(readFileSync(join(folder, "back"), "utf8") === MEGABYTE);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("kubectl port-forward leads to the pod, several connections at once", async () => {
    const forwarding = kubectl().start("port-forward", `pod/${pod}`, ":8080");
    try {
      const port = await firstMatch(forwarding, /127\.0\.0\.1:(\d+) ->/);
      const pages = await waitUntil("the app answers", () =>
        Promise.all(Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/`)).text())),
      );
      for (const page of pages) assert.match(page, /Hello from the edge/);
    } finally {
      await endProgram(forwarding);
    }
  });

  test("kubectl debug looks into a running container, and its words can be read afterwards", async () => {
    const name = `look-${randomUUID()}`;
    const script = "read line; echo got $line; tr '\\0' ' ' < /proc/1/cmdline";
    const options = ["--image=edge-app:latest", "--image-pull-policy=IfNotPresent", "--profile=general"];
    const debug = ["debug", "-it", pod, ...options, "--target=counts", "-c", name, "--", "sh", "-c", script];
    const ended = await kubectl().typeInto("hello\n", ...debug);
    assert.equal(ended.status, 0, ended.stdout);
    assert.match(ended.stdout, /got hello\r\nsh -c i=0; while true/);
    const path = `{.status.ephemeralContainerStatuses[?(@.name=="${name}")].state.terminated.exitCode}`;
    await waitUntil(
      "the end is reported",
      async () => (await kubectl().ok("get", "pod", pod, "-o", `jsonpath=${path}`)) === "0",
    );
    assert.match(await kubectl().ok("logs", pod, "-c", name), /got hello\r?\n/);
  });

  test("kubectl debug shows what is said to commands that are piped into it", async () => {
    const options = ["--image=edge-app:latest", "--image-pull-policy=IfNotPresent", "-c", `pipe-${randomUUID()}`];
    const ended = await kubectl().runWith("echo got this\n", "debug", "-i", pod, ...options, "--", "sh");
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, "got this\n", ended.stderr);
  });

  test("what kubectl asks for first is what it gets", async () => {
    const exec = await kubectl().run("exec", "-v=4", pod, "-c", "counts", "--", "true");
    assert.equal(exec.status, 0, exec.stderr);
    assert.doesNotMatch(exec.stderr, /fallback/i);
    const forwarding = kubectl().start("port-forward", "-v=4", `pod/${pod}`, ":8080");
    let told = "";
    forwarding.stderr?.on("data", (chunk) => {
      told += String(chunk);
    });
    try {
      await firstMatch(forwarding, /127\.0\.0\.1:(\d+) ->/);
    } finally {
      await endProgram(forwarding);
    }
    assert.doesNotMatch(told, /fallback/i);
  });

  test("kubectl top shows the node and the pod", async () => {
    assert.match(await kubectl().ok("top", "node", "--no-headers"), /\d+m +\S+ +\d+Mi/);
    assert.match(await kubectl().ok("top", "pod", pod, "--containers", "--no-headers"), /counts +\d+m +\d+Mi/);
  });
}

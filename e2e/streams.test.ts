// kubectl logs, exec, attach and port-forward with stock kubectl through the link; the tests build on each other.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, test } from "node:test";
import { Exec, KubeConfig } from "@kubernetes/client-node";
import { Installation } from "./support/installation.ts";
import { run } from "./support/run.ts";
import { endProgram, firstMatch, runUntil } from "./support/running-program.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
const counting = "i=0; while true; do echo line $i; i=$((i+1)); sleep 1; done";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "talk", namespace: "default", labels: { app: "talk" } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: "counts", image: "edge-app:latest", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", counting] },
      {
        name: "ends",
        image: "edge-app:latest",
        imagePullPolicy: "IfNotPresent",
        command: ["sh", "-c", "echo to stdout; echo to stderr >&2; exit 3"],
      },
    ],
  },
};

describe("streams into pods", () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("streams");
    await skerry.up("--no-examples");
    const applied = await skerry.kubectlWith(JSON.stringify(pod), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await waitUntil("the pod counts", async () => (await logs("-c", "counts")).includes("line 2\n"));
  });
  after(() => skerry.dispose());

  const logs = (...parameters: readonly string[]): Promise<string> => skerry.kubectlOk("logs", "talk", ...parameters);

  test("kubectl logs prints a log whole, its end, its newest part, and with times", async () => {
    assert.match(await logs("-c", "counts"), /^line 0\nline 1\n/);
    assert.match(await logs("-c", "counts", "--tail=1"), /^line \d+\n$/);
    assert.match(await logs("-c", "counts", "--tail=1", "--timestamps"), /^\d{4}-\d\d-\d\dT\S+Z line \d+\n$/);
    assert.equal(await logs("-c", "counts", "--limit-bytes=9"), "line 0\nli");
    assert.doesNotMatch(await logs("-c", "counts", "--since=1s"), /line 0\n/);
    assert.equal(await logs("-c", "counts", "--since-time=2100-01-01T00:00:00Z"), "");
  });

  test("kubectl logs of all containers, of a label, and of the container before the restart", async () => {
    assert.match(await logs("--all-containers", "--prefix"), /\[pod\/talk\/counts\] line 0\n/);
    const selected = await skerry.kubectlOk("logs", "-l", "app=talk", "-c", "counts", "--tail=-1");
    assert.match(selected, /^line 0\n/);
    await waitUntil("the other container was started again", async () => {
      const { status } = await skerry.get("pod", "talk");
      const found = status.containerStatuses.find(({ name }: { name: string }) => name === "ends");
      return found.restartCount > 0;
    });
    assert.match(await logs("-c", "ends", "--previous"), /^to std(out|err)\nto std(out|err)\n$/);
  });

  test("kubectl logs -f goes on until its container ends", async () => {
    const short = { ...pod, metadata: { name: "short", namespace: "default" } };
    const [container] = pod.spec.containers;
    const containers = [{ ...container, command: ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 1; done"] }];
    const manifest = { ...short, spec: { ...short.spec, restartPolicy: "Never", containers } };
    assert.equal((await skerry.kubectlWith(JSON.stringify(manifest), "apply", "-f", "-")).status, 0);
    await waitUntil("the container has begun", async () => (await skerry.kubectl("logs", "short")).status === 0);
    assert.equal(await skerry.kubectlOk("logs", "-f", "short"), "1\n2\n3\n");
  });

  test("kubectl exec hands through output, errors, input and the exit code", async () => {
    const ended = await skerry.kubectl(
      "exec",
      "talk",
      "-c",
      "counts",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 3",
    );
    assert.equal(ended.status, 3);
    assert.equal(ended.stdout, "out\n");
    assert.match(ended.stderr, /^err\n/);
    const megabyte = "0123456789abcdef".repeat(64 * 1024);
    const counted = await skerry.kubectlWith(megabyte, "exec", "-i", "talk", "-c", "counts", "--", "wc", "-c");
    assert.equal(counted.stdout.trim(), String(megabyte.length));
    const copied = await skerry.kubectlWith(megabyte, "exec", "-i", "talk", "-c", "counts", "--", "cat");
    assert.equal(copied.stdout, megabyte);
  });

  test("kubectl cp brings a file there and back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skerry-cp-"));
    try {
      writeFileSync(join(folder, "there"), "0123456789abcdef".repeat(64 * 1024));
      await skerry.kubectlOk("cp", join(folder, "there"), "talk:/there", "-c", "counts");
      await skerry.kubectlOk("cp", "talk:/there", join(folder, "back"), "-c", "counts");
      assert.ok(readFileSync(join(folder, "there")).equals(readFileSync(join(folder, "back"))));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("kubectl exec -it has a terminal", async () => {
    const inner = `kubectl --kubeconfig ${skerry.kubeconfig} exec -it talk -c counts -- sh -c tty`;
    const ended = await run(["script", "-qec", inner, "/dev/null"]);
    assert.match(ended.stdout, /\/dev\/pts\/\d+/);
    assert.equal(ended.status, 0, ended.stdout);
  });

  test("kubectl attach shows what the container writes from now on", async () => {
    const attached = await runUntil(
      ["kubectl", "--kubeconfig", skerry.kubeconfig, "attach", "talk", "-c", "counts"],
      /line \d+\n/,
    );
    assert.match(attached, /line \d+\n/);
  });

  test("kubectl port-forward leads to the pod, several connections at once", async () => {
    const web = {
      ...pod,
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [{ name: "web", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" }] },
    };
    assert.equal((await skerry.kubectlWith(JSON.stringify(web), "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/web", "--timeout=120s");
    const child = spawn("kubectl", ["--kubeconfig", skerry.kubeconfig, "port-forward", "pod/web", ":8080"]);
    try {
      const port = await firstMatch(child, /127\.0\.0\.1:(\d+) ->/);
      const pages = await waitUntil("the app answers", () =>
        Promise.all(Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/`)).text())),
      );
      for (const page of pages) assert.match(page, /Hello from the edge/);
    } finally {
      await endProgram(child);
    }
  });

  test("a client that speaks WebSocket (v4.channel.k8s.io) can exec", async () => {
    const config = new KubeConfig();
    config.loadFromFile(skerry.kubeconfig);
    const output = new PassThrough();
    const ended = Promise.withResolvers<unknown>();
    await new Exec(config).exec(
      "default",
      "talk",
      "counts",
      ["sh", "-c", "echo through a web socket; exit 4"],
      output,
      null,
      null,
      false,
      (status) => ended.resolve(status),
    );
    const status = (await ended.promise) as { details?: { causes?: { reason?: string; message?: string }[] } };
    assert.equal(status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message, "4");
    assert.equal(String(output.read()), "through a web socket\n");
  });

  test("what cannot be shown is told in words", async () => {
    const unknown = await skerry.kubectl("logs", "talk", "-c", "nosuch");
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /container nosuch is not valid for pod talk/);
    const exec = await skerry.kubectl("exec", "short", "--", "true");
    assert.equal(exec.status, 1);
    assert.match(exec.stderr, /completed pod/);
  });

  test("kubectl logs of an offline node says since when, shows the lines read last, and has all lines afterwards", async () => {
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    const answer = await waitUntil("the cut is noticed", async () => {
      const offline = await skerry.kubectl("logs", "talk", "-c", "counts", "--tail=1", "--request-timeout=5s");
      return /is offline/.test(offline.stdout) ? offline : undefined;
    });
    assert.match(
      answer.stdout,
      /^# node "edge-node-1" is offline since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ.*\nline \d+\n$/,
    );
    const neverRead = await skerry.kubectl("logs", "web", "--request-timeout=5s");
    assert.equal(neverRead.status, 1);
    assert.match(neverRead.stderr, /node "edge-node-1" is offline since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    const text = await waitUntil("the log can be read again", async () => {
      const again = await skerry.kubectl("logs", "talk", "-c", "counts", "--request-timeout=5s");
      return again.status === 0 ? again.stdout : undefined;
    });
    const numbers = [...text.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number));
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => at),
      "a line is missing",
    );
  });
});

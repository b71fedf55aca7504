// The Kubernetes API at the edge: stock kubectl and a client library against it, online, cut off and after that.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, before, suite, test } from "node:test";
import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import { freePorts } from "./support/free-ports.ts";
import { Installation } from "./support/installation.ts";
import { type Ended, run } from "./support/run.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";

interface Part {
  readonly name: string;
  readonly processId: number;
}

interface WatchLine {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string } };
}

suite("metaserver", { concurrency: false }, () => {
  let skerry: Installation;
  let server = "";
  /** kubectl on the node, without credentials. */
  let kubectl: readonly string[] = [];
  let watch: ChildProcess | undefined;
  let watched = "";

  before(async () => {
    const [port = 0] = await freePorts(1);
    server = `http://127.0.0.1:${port}`;
    kubectl = ["kubectl", "--kubeconfig", "/dev/null", "--server", server];
    skerry = await Installation.create("metaserver");
    await skerry.up("--meta-server-port", String(port));
    await skerry.kubectlOk("create", "configmap", "settings", "--from-literal", "level=1");
    // What Kubernetes gives a node by itself is its pods and what they use; this is what an administrator adds.
    await skerry.kubectlOk(
      "create",
      "clusterrole",
      "edge-apps",
      "--verb=get,list,watch,create,update,patch,delete",
      "--resource=configmaps",
    );
    await skerry.kubectlOk(
      "create",
      "clusterrolebinding",
      "edge-apps",
      "--clusterrole=edge-apps",
      "--group=system:nodes",
    );
  });

  after(async () => {
    watch?.kill("SIGKILL");
    await skerry.dispose();
  });

  const edge = (...parameters: readonly string[]): Promise<Ended> => run([...kubectl, ...parameters]);

  async function edgeOk(...parameters: readonly string[]): Promise<string> {
    const ended = await edge(...parameters);
    assert.equal(ended.status, 0, `kubectl ${parameters.join(" ")}: ${ended.stderr}${skerry.logs()}`);
    return ended.stdout;
  }

  test("kubectl reads and writes on the node with the node's rights", async () => {
    await waitUntil("the node answers", async () => (await edge("get", "--raw", "/version")).status === 0);
    const pods = JSON.parse(await edgeOk("get", "pods", "-A", "-o", "json")) as {
      items: { spec: { nodeName: string } }[];
    };
    assert.ok(pods.items.length > 0);
    for (const pod of pods.items) assert.equal(pod.spec.nodeName, NODE);
    assert.match(await edgeOk("get", "configmap", "settings", "-o", "yaml"), /level: "1"/);
    const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "made-here" }, data: { a: "1" } };
    const applied = await run([...kubectl, "apply", "-f", "-"], { input: JSON.stringify(made) });
    assert.equal(applied.status, 0, applied.stderr);
    assert.equal((await skerry.get("configmap", "made-here")).data.a, "1");
    await edgeOk("patch", "configmap", "made-here", "--type", "merge", "-p", '{"data":{"a":"2"}}');
    assert.equal((await skerry.get("configmap", "made-here")).data.a, "2");
    await edgeOk("delete", "configmap", "made-here");
    for (const forbidden of [
      ["get", "deployments"],
      ["get", "secrets"],
      ["delete", "node", NODE],
    ]) {
      const ended = await edge(...forbidden);
      assert.notEqual(ended.status, 0);
      assert.match(ended.stderr, /Forbidden|forbidden/, forbidden.join(" "));
    }
  });

  test("kubectl get -w on the node shows each change", async () => {
    const [program = "", ...options] = kubectl;
    watch = spawn(program, [...options, "get", "configmaps", "-w", "-o", "json", "--output-watch-events"]);
    watch.stdout?.on("data", (chunk) => {
      watched += String(chunk);
    });
    await waitUntil("the watch shows what is there", async () => events().includes("ADDED settings"));
    await skerry.kubectlOk("create", "configmap", "second", "--from-literal", "a=1");
    await waitUntil("the watch shows a new object", async () => events().includes("ADDED second"));
    await skerry.kubectlOk("delete", "configmap", "second");
    await waitUntil("the watch shows a deletion", async () => events().includes("DELETED second"));
  });

  test("without the cloud reads say how old they are, writes are refused, watches stay", async () => {
    await edgeOk("get", "pods", "-A");
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    await skerry.kubectlOk("patch", "configmap", "settings", "--type", "merge", "-p", '{"data":{"level":"2"}}');
    await skerry.kubectlOk("create", "configmap", "while-away");
    const read = await waitUntil("reads are answered from the node", async () => {
      const ended = await edge("get", "configmap", "settings", "-o", "yaml");
      return ended.stderr.includes("stale since") && ended;
    });
    assert.match(read.stdout, /level: "1"/);
    assert.match((await edge("get", "pods", "-A")).stderr, /stale since/);
    const written = await edge("delete", "configmap", "settings");
    assert.notEqual(written.status, 0);
    assert.match(written.stderr, /needs the cloud/);
    assert.match((await edge("get", "services")).stderr, /needs the cloud/);
    assert.equal(watch?.exitCode, null);
  });

  test("EdgeCore's end without the cloud loses nothing of what was read", async () => {
    const { parts } = JSON.parse((await skerry.skerry("status", "-o", "json")).stdout) as { parts: Part[] };
    const edgecore = parts.find(({ name }) => name.startsWith("edgecore"));
    assert.ok(edgecore);
    process.kill(edgecore.processId, "SIGKILL");
    const read = await waitUntil("reads are answered again", async () => {
      const ended = await edge("get", "configmap", "settings", "-o", "yaml");
      return ended.status === 0 && ended;
    });
    assert.match(read.stdout, /level: "1"/);
  });

  test("when the link is back, watches bring what happened meanwhile", async () => {
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    await waitUntil("reads are fresh", async () => {
      const ended = await edge("get", "configmap", "settings", "-o", "yaml");
      return ended.stdout.includes('level: "2"') && ended.stderr === "";
    });
  });

  test("a client library's informer follows the node's API", async () => {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: "edge", server, skipTLSVerify: true }], // Else the library speaks no plain HTTP.
      users: [{ name: "nobody" }],
      contexts: [{ name: "edge", cluster: "edge", user: "nobody" }],
      currentContext: "edge",
    });
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer<V1ConfigMap>(config, "/api/v1/namespaces/default/configmaps", () =>
      core.listNamespacedConfigMap({ namespace: "default" }),
    );
    const levels = new Map<string, string | undefined>();
    informer.on("add", ({ metadata, data }) => levels.set(metadata?.name ?? "", data?.["level"]));
    informer.on("update", ({ metadata, data }) => levels.set(metadata?.name ?? "", data?.["level"]));
    informer.on("delete", ({ metadata }) => levels.delete(metadata?.name ?? ""));
    await informer.start();
    try {
      await waitUntil("the informer has listed", async () => levels.get("settings") === "2");
      await skerry.kubectlOk("patch", "configmap", "settings", "--type", "merge", "-p", '{"data":{"level":"3"}}');
      await waitUntil("the informer sees a change", async () => levels.get("settings") === "3");
      assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
      await skerry.kubectlOk("delete", "configmap", "while-away");
      await skerry.kubectlOk("patch", "configmap", "settings", "--type", "merge", "-p", '{"data":{"level":"4"}}');
      assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
      await waitUntil("the informer sees what happened during the cut", async () => {
        return levels.get("settings") === "4" && !levels.has("while-away");
      });
    } finally {
      await informer.stop();
    }
  });

  /** What the watch has shown, as `<type> <name>`. */
  function events(): string[] {
    const lines = watched.split("\n").slice(0, -1);
    return lines
      .map((line) => JSON.parse(line) as WatchLine)
      .map(({ type, object }) => `${type} ${object.metadata.name}`);
  }
});

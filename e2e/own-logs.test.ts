// What the system tells of itself with stock kubectl: its own logs, and the story of an outage in them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";

describe("the system's own logs", () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("own-logs");
    await skerry.up("--no-examples");
  });
  after(() => skerry.dispose());

  const logsOf = (component: string, ...parameters: readonly string[]): Promise<string> =>
    skerry.kubectlOk("logs", "-n", "kubeedge", "-l", `app=kubeedge-${component}`, ...parameters);

  test("CloudCore and EdgeCore are pods, and kubectl logs shows what they log", async () => {
    await waitUntil("both are running", async () => {
      const shown = await skerry.kubectlOk("get", "pods", "-n", "kubeedge", "--no-headers");
      return /^cloudcore-\S+ +1\/1 +Running/m.test(shown) && /^edgecore-edge-node-1 +1\/1 +Running/m.test(shown);
    });
    assert.match(await logsOf("cloudcore", "--tail=-1"), /CloudCore is ready/);
    assert.match(await logsOf("edgecore", "--tail=-1"), /EdgeCore started/);
    assert.match(await logsOf("edgecore", "--tail=1", "--timestamps"), /^\d{4}-\d\d-\d\dT\S+Z \w+ +\S/);
    assert.equal(await logsOf("edgecore", "--since-time=2100-01-01T00:00:00Z"), "");
  });

  test("an outage is told at both ends: since when, what differed, what was sent, how long it took", async () => {
    const settings = (value: string): string =>
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [
          { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { value } },
          {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: "app" },
            spec: {
              containers: [
                {
                  name: "app",
                  image: "edge-app:latest",
                  imagePullPolicy: "IfNotPresent",
                  envFrom: [{ configMapRef: { name: "settings" } }],
                },
              ],
            },
          },
        ],
      });
    assert.equal((await skerry.kubectlWith(settings("before"), "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/app", "--timeout=120s");
    assert.equal((await skerry.skerry("link", "cut", NODE)).status, 0);
    await waitUntil("the cut is noticed", async () =>
      /no longer connected/.test(await logsOf("cloudcore", "--tail=-1")),
    );
    assert.equal((await skerry.kubectlWith(settings("after"), "apply", "-f", "-")).status, 0);
    assert.equal((await skerry.skerry("link", "restore", NODE)).status, 0);
    const edge = await waitUntil(
      "the edge tells its side",
      async () =>
        /In step with the cloud again.*configmap default\/settings.*/.exec(
          (await skerry.kubectl("logs", "-n", "kubeedge", "-l", "app=kubeedge-edgecore", "--tail=-1")).stdout,
        )?.[0],
    );
    assert.match(edge, /Offline for .+, since \d{4}-\S+Z: .+ Sent from here: \d+ changes? .+ It took /);
    const cloud = await waitUntil(
      "the cloud tells its side",
      async () => /Node edge-node-1 is in step again\. .*/.exec(await logsOf("cloudcore", "--tail=-1"))?.[0],
    );
    assert.match(cloud, /away for .+, since \d{4}-\S+Z: .+What differed: .*configmap default\/settings/);
  });

  test("a pod of the system that is deleted comes back", async () => {
    const uid = async (): Promise<string> =>
      (await skerry.kubectl("get", "pod", "-n", "kubeedge", "edgecore-edge-node-1", "-o", "jsonpath={.metadata.uid}"))
        .stdout;
    const before = await uid();
    await skerry.kubectlOk("delete", "pod", "-n", "kubeedge", "edgecore-edge-node-1", "--wait=false");
    await waitUntil("it is back", async () => {
      const now = await uid();
      return now !== "" && now !== before;
    });
  });

  test("what is no container says so", async () => {
    const exec = await skerry.kubectl("exec", "-n", "kubeedge", "edgecore-edge-node-1", "--", "true");
    assert.equal(exec.status, 1);
    assert.match(exec.stderr, /a process of the machine, not a container/);
  });
});

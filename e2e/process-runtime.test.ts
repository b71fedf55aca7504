// Skerry in an account without root: the process runtime, chosen by itself, and the whole story of the demo on it.
import assert from "node:assert/strict";
import { accessSync, chownSync, constants } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Installation, root } from "./support/installation.ts";
import { Kubectl } from "./support/kubectl.ts";
import { machineState } from "./support/machine.ts";
import { type Ended, run } from "./support/run.ts";
import { streamsPod, testStreamCommands } from "./support/stream-commands.ts";
import { waitUntil } from "./support/wait-until.ts";

/** `nobody`'s everywhere. */
const ACCOUNT = 65_534;

describe("an account without root", () => {
  let skerry: Installation;
  let up: Ended;

  /** Runs `skerry …` as that account. */
  const asAccount = (...parameters: readonly string[]): Promise<Ended> => {
    const account = ["setpriv", `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, "--clear-groups"];
    return run([...account, `${root}/bin/skerry`, ...parameters], {
      environment: { SKERRY_HOME: skerry.home, HOME: skerry.home, NODE_COMPILE_CACHE: `${skerry.home}/compiled` },
    });
  };

  before(async () => {
    skerry = await Installation.create("process");
    chownSync(skerry.home, ACCOUNT, ACCOUNT);
    up = await asAccount("up", "--detach", ...skerry.portOptions);
    assert.equal(up.status, 0, `${up.stdout}${up.stderr}${skerry.logs()}`);
  });
  after(async () => {
    const down = await asAccount("down");
    await skerry.dispose();
    assert.equal(down.status, 0, down.stderr);
    assert.deepEqual(machineState(skerry.home).processes, []);
  });

  test("its node is Ready with the process runtime, and the start says what containers have", async () => {
    assert.match(up.stdout, /no container engine: user, mount, process and network namespaces/);
    const { status } = await skerry.get("node", "edge-node-1");
    assert.match(status.nodeInfo.containerRuntimeVersion, /^skerry-process:\/\/\S+\+namespaces$/);
    const doctor = await asAccount("doctor");
    assert.match(doctor.stdout, /skerry-process/);
  });

  test("a pod has its limits told as not enforced, its secrets kept from other users, and its log shown", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "limited" },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": "edge-node-1" },
        terminationGracePeriodSeconds: 1,
        hostUsers: false, // It is so in any case.
        containers: [
          {
            name: "main",
            image: "edge-app:latest",
            imagePullPolicy: "IfNotPresent",
            command: ["sh", "-c", "echo user $(id -u); exec sleep 1000"],
            env: [{ name: "PASSWORD", value: "not-in-any-command-line" }],
            securityContext: { runAsUser: 4321 },
            resources: { limits: { memory: "64Mi" } },
          },
        ],
      },
    };
    assert.equal((await skerry.kubectlWith(JSON.stringify(pod), "apply", "-f", "-")).status, 0);
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/limited", "--timeout=120s");
    await waitUntil("the log is there", async () =>
      (await skerry.kubectl("logs", "limited")).stdout.includes("user 4321"),
    );
    // It depends on the machine whether every account may make tunnels.
    const wayOut = up.stdout.includes("reach what it reaches");
    await waitUntil("the Events are there", async () => {
      const events = await skerry.kubectlOk("get", "events");
      return events.includes("LimitsNotEnforced") && events.includes("NoOutboundNetwork") !== wayOut;
    });
    const processes = await run(["ps", "-e", "-o", "args"]);
    assert.ok(!processes.stdout.includes("not-in-any-command-line"));
    const folder = `${skerry.home}/edge-node-1/process-runtime`;
    accessSync(folder, constants.R_OK); // As root; nobody else gets in.
    const other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"];
    assert.notEqual((await run([...other, "ls", folder])).status, 0);
    await skerry.kubectlOk("delete", "pod", "limited", "--timeout=120s");
  });

  describe("kubectl's stream commands", () => {
    before(async () => {
      assert.equal((await skerry.kubectlWith(JSON.stringify(streamsPod("talk")), "apply", "-f", "-")).status, 0);
      await waitUntil("the pod counts", async () =>
        (await skerry.kubectlOk("logs", "talk", "-c", "counts")).includes("line 1\n"),
      );
    });
    testStreamCommands("talk", () => new Kubectl("kubectl", skerry.kubeconfig, "WebSocket"));
  });

  test("the whole story holds: app, device, cut link, crash, reconnect", async () => {
    const demo = await asAccount("demo");
    assert.equal(demo.status, 0, `${demo.stdout}${demo.stderr}${skerry.logs()}`);
    assert.match(demo.stdout, /Each step held/);
  });
});

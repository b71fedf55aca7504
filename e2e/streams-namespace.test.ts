// kubectl's stream commands, by the oldest and the newest kubectl that is supported, over both of its transports, into a
// node that can only dial out; the tests build on each other.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudAndMachine } from "./support/cloud-and-machine.ts";
import type { Installation } from "./support/installation.ts";
import { Kubectl } from "./support/kubectl.ts";
import { packetFilterRules } from "./support/packet-filter.ts";
import { pinnedKubectl } from "./support/pinned-kubectl.ts";
import { run } from "./support/run.ts";
import { endProgram, firstMatch } from "./support/running-program.ts";
import type { SecondMachine } from "./support/second-machine.ts";
import { streamsPod, testStreamCommands } from "./support/stream-commands.ts";
import { waitUntil } from "./support/wait-until.ts";

describe("streams into a node that can only dial out", () => {
  let both: CloudAndMachine;
  let cloud: Installation;
  let machine: SecondMachine;
  let rulesBefore: string;

  before(async () => {
    rulesBefore = await packetFilterRules();
    both = await CloudAndMachine.create("dial-out", { up: ["--no-node", "--no-examples"], behindRouter: true });
    ({ cloud, machine } = both);
    await both.join();
    const applied = await cloud.kubectlWith(JSON.stringify(streamsPod("talk")), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
    await waitUntil("the pod counts", async () =>
      (await cloud.kubectlOk("logs", "talk", "-c", "counts")).includes("line 1\n"),
    );
  });
  after(() => both.dispose());

  test("nothing leads back to the node", async () => {
    const { status } = await cloud.get("node", (await cloud.get("pod", "talk")).spec.nodeName);
    const { address } = status.addresses.find(({ type }: { type: string }) => type === "InternalIP");
    assert.equal(address, machine.address);
    const route = await run(["ip", "route", "get", address]);
    assert.doesNotMatch(route.stdout, / dev cable/);
  });

  for (const version of ["1.32.3", "1.36.4"] as const)
    for (const transport of ["WebSocket", "SPDY"] as const)
      describe(`kubectl ${version}, ${transport} first`, () => {
        let kubectl: Kubectl;
        before(async () => {
          kubectl = new Kubectl(await pinnedKubectl(version), cloud.kubeconfig, transport);
        });
        testStreamCommands("talk", () => kubectl);
      });

  test("the API server leads HTTP requests to a pod, to a service and to the node, and kubectl proxy does", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    const page = await cloud.kubectlOk("get", "--raw", `${pods}/talk:8080/proxy/`);
    assert.match(page, /Hello from the edge/);
    await cloud.kubectlOk("expose", "pod", "talk", "--port=80", "--target-port=8080");
    const service = "/api/v1/namespaces/default/services/talk:80/proxy/";
    await waitUntil("the service has the pod", async () => {
      const { status, stdout } = await cloud.kubectl("get", "--raw", service);
      return status === 0 && stdout === page;
    });
    const refused = await cloud.kubectl("get", "--raw", `${pods}/talk:81/proxy/`);
    assert.match(refused.stderr, /error trying to reach service: .*refused/);
    const { nodeName } = (await cloud.get("pod", "talk")).spec;
    const summary = JSON.parse(await cloud.kubectlOk("get", "--raw", `/api/v1/nodes/${nodeName}/proxy/stats/summary`));
    assert.equal(summary.node.nodeName, nodeName);
    const kubectl = new Kubectl(await pinnedKubectl("1.36.4"), cloud.kubeconfig, "WebSocket");
    const proxy = kubectl.start("proxy", "--port=0");
    try {
      const port = await firstMatch(proxy, /127\.0\.0\.1:(\d+)/);
      const answer = await fetch(`http://127.0.0.1:${port}${pods}/talk:8080/proxy`);
      assert.equal(answer.url, `http://127.0.0.1:${port}${pods}/talk:8080/proxy/`);
      assert.equal(await answer.text(), page);
    } finally {
      await endProgram(proxy);
    }
  });

  test("kubectl debug node/NAME shows the node's own files and processes", async () => {
    const kubectl = new Kubectl(await pinnedKubectl("1.36.4"), cloud.kubeconfig, "WebSocket");
    const { nodeName } = (await cloud.get("pod", "talk")).spec;
    const script = `read line; cat /proc/1/comm; ls -d /host${machine.home}`;
    const options = ["--image=edge-app:latest", "--image-pull-policy=IfNotPresent", "--profile=sysadmin"];
    const debug = ["debug", "-it", `node/${nodeName}`, ...options, "--", "sh", "-c", script];
    const ended = await kubectl.typeInto("go\n", ...debug);
    assert.equal(ended.status, 0, ended.stdout);
    const processOne = (await machine.run("cat", "/proc/1/comm")).stdout.trim();
    assert.ok(ended.stdout.includes(`${processOne}\r\n/host${machine.home}\r\n`), ended.stdout);
  });

  test("the cloud's packet filter has the rules that it had before", async () => {
    assert.equal(await packetFilterRules(), rulesBefore);
  });
});

// Jobs for nodes with stock kubectl: images pulled ahead, edgecore.yaml changed and changed back, an upgrade refused.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Installation } from "./support/installation.ts";
import { PrivateRegistry } from "./support/private-registry.ts";
import { waitUntil } from "./support/wait-until.ts";

const NODE = "edge-node-1";
/** On the node from the start. */
const PRESENT_IMAGE = "skerry.local/pause:1";

suite("jobs", { concurrency: false }, () => {
  let skerry: Installation;

  before(async () => {
    skerry = await Installation.create("jobs");
    await skerry.up("--no-examples");
    await skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
  });

  after(() => skerry.dispose());

  async function create(kind: string, name: string, spec: object, version = "v1alpha2"): Promise<void> {
    const manifest = { apiVersion: `operations.kubeedge.io/${version}`, kind, metadata: { name }, spec };
    const applied = await skerry.kubectlWith(JSON.stringify(manifest), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
  }

  async function createPullSecret(name: string, { address }: PrivateRegistry): Promise<void> {
    const auths = { [address]: { username: "edge", password: "secret" } };
    const stringData = { ".dockerconfigjson": JSON.stringify({ auths }) };
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
    const type = "kubernetes.io/dockerconfigjson";
    const applied = await skerry.kubectlWith(JSON.stringify({ ...secret, type }), "apply", "-f", "-");
    assert.equal(applied.status, 0, applied.stderr);
  }

  /** The status of a job that is over. */
  // biome-ignore lint/suspicious/noExplicitAny: raw JSON of the API, read by assertions.
  async function ended(kind: string, name: string): Promise<any> {
    return await waitUntil(`${kind} ${name} is over`, async () => {
      const { status } = await skerry.get(kind, name);
      return ["Completed", "Failure"].includes(status?.phase) && status;
    });
  }

  test("an image that the node has is pulled ahead, and the job says so", async () => {
    const imagePrePullTemplate = { images: [PRESENT_IMAGE], nodeNames: [NODE], checkItems: ["mem"] };
    await create("ImagePrePullJob", "present", { imagePrePullTemplate });
    const { phase, nodeStatus } = await ended("imageprepulljob", "present");
    assert.equal(phase, "Completed", JSON.stringify(nodeStatus));
    const [node] = nodeStatus;
    assert.equal(node.phase, "Successful");
    assert.deepEqual(steps(node), ["Check True", "Pull True"]);
    assert.equal(node.imageStatus[0].status, "True");
    assert.match(await skerry.kubectlOk("get", "imageprepulljobs"), /present\s+Completed/);
  });

  test("a private image of a registry is pulled with the job's Secret, also by a job of v1alpha1", async () => {
    await using registry = await PrivateRegistry.start("edge", "secret");
    await createPullSecret("registry", registry);
    const scope = { images: [`${registry.address}/shop/app:1`], nodeNames: [NODE] };
    await create("ImagePrePullJob", "refused", { imagePrePullTemplate: scope });
    const refused = await ended("imageprepulljob", "refused");
    assert.equal(refused.phase, "Failure");
    assert.match(refused.nodeStatus[0].reason, /^Pull: 1 of 1 images could not be pulled: /);
    const imagePrePullTemplate = { ...scope, imageSecrets: "default/registry" };
    await create("ImagePrePullJob", "private", { imagePrePullTemplate }, "v1alpha1");
    const { phase, nodeStatus } = await ended("imageprepulljob", "private");
    assert.equal(phase, "Completed", JSON.stringify(nodeStatus));
    assert.ok(
      registry.served.some((path) => path.includes("/blobs/")),
      registry.served.join(),
    );
  });

  test("a pull that takes long has one Event that says how far it is, and ends as pulls do", async () => {
    await using registry = await PrivateRegistry.start("edge", "secret", true);
    await createPullSecret("slow-registry", registry);
    const image = `${registry.address}/shop/large:1`;
    const spec = {
      nodeName: NODE,
      imagePullSecrets: [{ name: "slow-registry" }],
      containers: [{ name: "app", image, command: ["/app"] }],
    };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "large" }, spec };
    assert.equal((await skerry.kubectlWith(JSON.stringify(pod), "apply", "-f", "-")).status, 0);
    const told = async (reason: string): Promise<readonly { readonly message: string; readonly count: number }[]> =>
      (await skerry.get("events", "--field-selector", `involvedObject.name=large,reason=${reason}`)).items;
    const progress = await waitUntil("an Event says how far the pull is, and is brought up to date", async () =>
      (await told("Pulling")).find(({ count, message }) => count > 1 && message.includes("so far")),
    );
    assert.match(progress.message, /^Pulling image ".*" for \d+s: 3\.\d of 6\.\d MB so far$/);
    assert.equal((await told("Pulling")).length, 2);
    registry.letThrough();
    await waitUntil("the image is pulled", async () => (await told("Pulled")).length > 0);
    await skerry.kubectlOk("delete", "pod", "large", "--grace-period=0", "--force");
  });

  test("a change of edgecore.yaml is in effect after EdgeCore's restart, and survives `skerry down` and `up`", async () => {
    const updateFields = { "modules.edged.nodeLabels.shop": "7" };
    await create("ConfigUpdateJob", "label", { nodeNames: [NODE], updateFields });
    const { phase, nodeStatus } = await ended("configupdatejob", "label");
    assert.equal(phase, "Completed", JSON.stringify(nodeStatus));
    assert.deepEqual(steps(nodeStatus[0]), ["Check True", "BackUp True", "Update True"]);
    assert.equal((await skerry.get("node", NODE)).metadata.labels.shop, "7");
    assert.equal((await skerry.skerry("down")).status, 0);
    await skerry.up("--no-examples");
    await skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
    await create("ConfigUpdateJob", "same", { nodeNames: [NODE], updateFields });
    const same = await ended("configupdatejob", "same");
    assert.equal(same.phase, "Completed", JSON.stringify(same));
    assert.match(JSON.stringify(same.nodeStatus), /the configuration was so already/);
  });

  test("a change that the file does not take is refused, and nothing is changed", async () => {
    const updateFields = { "modules.edgeHub.heartbeat": "soon" };
    await create("ConfigUpdateJob", "wrong", { nodeNames: [NODE], updateFields });
    const { phase, nodeStatus } = await ended("configupdatejob", "wrong");
    assert.equal(phase, "Failure");
    assert.match(nodeStatus[0].reason, /^Check: EDGECORE_CONFIG_UPDATE_INVALID: .*modules\.edgeHub\.heartbeat must be/);
  });

  test("a node that does not come back with a change goes back by itself, and says so", async () => {
    const updateFields = { "modules.edgeHub.websocket.server": "127.0.0.1:1" };
    await create("ConfigUpdateJob", "nowhere", { nodeNames: [NODE], updateFields, timeoutSeconds: 30 });
    const { phase, nodeStatus } = await ended("configupdatejob", "nowhere");
    assert.equal(phase, "Failure");
    const node = await waitUntil("the node has reported", async () => {
      const [task] = (await skerry.get("configupdatejob", "nowhere")).status.nodeStatus;
      return steps(task).length === 4 && task;
    });
    assert.deepEqual(steps(node), ["Check True", "BackUp True", "Update False", "RollBack True"], nodeStatus);
    assert.match(node.reason, /EDGECORE_CONFIG_UPDATE_TAKEN_BACK/);
    await skerry.kubectlOk("wait", "--for=condition=Ready", `node/${NODE}`, "--timeout=120s");
  });

  test("an upgrade is refused by the node, with what to do instead", async () => {
    await create("NodeUpgradeJob", "newer", { version: "v1.24.0", nodeNames: [NODE] });
    const { phase, nodeStatus } = await ended("nodeupgradejob", "newer");
    assert.equal(phase, "Failure");
    assert.match(nodeStatus[0].reason, /^Check: EDGECORE_UPGRADE_UNSUPPORTED: .*Install the new version/);
  });
});

function steps(node: { readonly actionFlow?: { readonly action: string; readonly status: string }[] }): string[] {
  return (node.actionFlow ?? []).map(({ action, status }) => `${action} ${status}`);
}

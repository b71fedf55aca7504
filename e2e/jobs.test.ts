// Jobs for nodes with stock kubectl: images pulled ahead, edgecore.yaml changed and changed back, an upgrade refused.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Installation } from "./support/installation.ts";
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

  async function create(kind: string, name: string, spec: object): Promise<void> {
    const manifest = { apiVersion: "operations.kubeedge.io/v1alpha2", kind, metadata: { name }, spec };
    const applied = await skerry.kubectlWith(JSON.stringify(manifest), "apply", "-f", "-");
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
    assert.deepEqual(
      node.actionFlow.map(({ action, status }: { action: string; status: string }) => `${action} ${status}`),
      ["Check True", "Pull True"],
    );
    assert.equal(node.imageStatus[0].status, "True");
    assert.match(await skerry.kubectlOk("get", "imageprepulljobs"), /present\s+Completed/);
  });

  test("an upgrade is refused by the node, with what to do instead", async () => {
    await create("NodeUpgradeJob", "newer", { version: "v1.24.0", nodeNames: [NODE] });
    const { phase, nodeStatus } = await ended("nodeupgradejob", "newer");
    assert.equal(phase, "Failure");
    assert.match(nodeStatus[0].reason, /^Check: EDGECORE_UPGRADE_UNSUPPORTED: .*Install the new version/);
  });
});

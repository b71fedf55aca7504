import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { type TestContext, test } from "node:test";
import { type Logger, silentLogger } from "@skerry/base";
import { isAlive, killTrees } from "@skerry/base/platform";
import { identify, type ProcessIdentity } from "./process-identity.ts";
import type { Sandbox } from "./sandboxes.ts";
import { WaysOut, type WaysOutOptions } from "./ways-out.ts";

/** Pods with processes for their networks and ways out; what is made of them is the test's. */
class Networks {
  readonly sandboxes: Sandbox[] = [];
  readonly warnings: string[] = [];
  readonly notices: string[] = [];
  readonly saved: (ProcessIdentity | undefined)[] = [];
  readonly ways: WaysOut;
  readonly started: ProcessIdentity[] = [];
  starts = 0;
  looks = 0;
  hold: Promise<void> = Promise.resolve();
  failure: string | undefined;
  readonly #context: TestContext;

  constructor(context: TestContext, times: Pick<WaysOutOptions, "retry" | "steadyMs"> = {}) {
    this.#context = context;
    const logger: Logger = {
      ...silentLogger,
      warn: (message) => this.warnings.push(message),
      info: (message) => this.notices.push(message),
    };
    this.ways = new WaysOut({
      start: async () => {
        this.starts++;
        await this.hold;
        if (this.failure !== undefined) throw new Error(this.failure);
        const started = this.process();
        this.started.push(started);
        return started;
      },
      list: () => {
        this.looks++;
        return this.sandboxes;
      },
      isReady: ({ isStopped }) => !isStopped,
      save: async ({ outbound }) => {
        this.saved.push(outbound);
      },
      logger,
      intervalMs: 5,
      retry: { initialMs: 1, maximumMs: 10 },
      ...times,
    });
    context.after(() => this.ways[Symbol.asyncDispose]());
  }

  process(): ProcessIdentity {
    const child: ChildProcess = spawn("sleep", ["1000"], { stdio: "ignore" });
    this.#context.after(() => child.kill("SIGKILL"));
    return identify(child.pid) ?? assert.fail();
  }

  sandbox(id: string, address: string | undefined): Sandbox {
    const facts = { id, folder: "/nowhere", config: {}, createdAtMs: 1, holder: this.process(), address };
    const sandbox: Sandbox = { ...facts, isStopped: false };
    this.sandboxes.push(sandbox);
    return sandbox;
  }
}

const LIMIT = { timeout: 60_000 };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test(
  "a pod's way out that was killed is started again, and told; a pod on the machine's network has none",
  LIMIT,
  async (context) => {
    const networks = new Networks(context);
    const sandbox = networks.sandbox("pod", "127.77.0.1");
    const onMachine = networks.sandbox("host", undefined);
    await networks.ways.provide(sandbox);
    const first = sandbox.outbound?.processId ?? 0;
    assert.deepEqual([isAlive(first), networks.starts], [true, 1]);
    process.kill(first, "SIGKILL");
    await until(() => networks.warnings.length > 0);
    assert.notEqual(sandbox.outbound?.processId, first);
    assert.ok(isAlive(sandbox.outbound?.processId ?? 0));
    assert.deepEqual(networks.saved.at(-1), sandbox.outbound);
    assert.deepEqual(networks.warnings, ["A pod's way out of its network had ended; there is a new one"]);
    assert.equal(onMachine.outbound, undefined);
  },
);

test(
  "a way out that cannot be had is tried again and told once, and that it is steady then",
  LIMIT,
  async (context) => {
    const networks = new Networks(context, { steadyMs: 0 });
    networks.failure = "no device";
    const sandbox = networks.sandbox("pod", "127.77.0.1");
    await until(() => networks.starts >= 3);
    assert.deepEqual(networks.warnings, ["A pod gets no way out of its network; it is tried again"]);
    networks.failure = undefined;
    await until(() => networks.notices.length > 0);
    assert.ok(isAlive(sandbox.outbound?.processId ?? 0));
    assert.deepEqual(networks.notices, ["A pod's way out of its network is steady again"]);
  },
);

test("a way out that ends again and again is started later and later, and told once", LIMIT, async (context) => {
  const networks = new Networks(context, { retry: { initialMs: 1, maximumMs: 2 ** 40, factor: 2 ** 20 } });
  const sandbox = networks.sandbox("pod", "127.77.0.1");
  for (const starts of [1, 2]) {
    await until(() => networks.saved.length === starts);
    killTrees([sandbox.outbound?.processId]);
  }
  const { looks } = networks;
  await until(() => networks.looks > looks + 20);
  assert.equal(networks.starts, 2);
  assert.deepEqual(networks.warnings, ["A pod's way out of its network had ended; there is a new one"]);
});

test("a way out that lived for a while is started again at once", LIMIT, async (context) => {
  const retry = { initialMs: 2 ** 40, maximumMs: 2 ** 40 };
  const networks = new Networks(context, { retry, steadyMs: 0 });
  const sandbox = networks.sandbox("pod", "127.77.0.1");
  for (const starts of [1, 2, 3]) {
    await until(() => networks.saved.length === starts);
    const { looks } = networks;
    await until(() => networks.looks > looks + 2);
    killTrees([sandbox.outbound?.processId]);
  }
  await until(() => networks.starts > 3);
});

test("a pod gets one way out only, and none when it was stopped while it was made", LIMIT, async (context) => {
  const networks = new Networks(context);
  const held = Promise.withResolvers<void>();
  networks.hold = held.promise;
  const sandbox = networks.sandbox("pod", "127.77.0.1");
  const all = Promise.all([networks.ways.provide(sandbox), networks.ways.provide(sandbox)]);
  sandbox.isStopped = true;
  held.resolve();
  await all;
  assert.deepEqual([networks.starts, sandbox.outbound, networks.saved], [1, undefined, []]);
  await until(() => !isAlive(networks.started[0]?.processId ?? 0));
});

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, sharedParts } from "./installation.ts";
import { machineState } from "./machine.ts";
import { Router } from "./router.ts";
import { type Ended, run, runOk } from "./run.ts";

/** How another machine is reached from this one. */
export interface SecondMachineOptions {
  /** Folders of this machine that the other one does not have. */
  readonly hidden: readonly string[];
  /** Puts a router between the two, as in a home or a harbour: from the machine one can dial out, nobody can dial in. */
  readonly behindRouter?: boolean;
  /**
   * Makes the cable: its near end has the given name, the far one is called eth0 in the network of the given process.
   * @default a plain one
   */
  readonly cable?: (name: string, processId: number) => Promise<Disposable>;
}

/**
 * Another machine, as far as the kernel can play one: network, mounts and host name of its own. Its only route is the
 * cable to this machine's address, or to a router.
 */
export class SecondMachine {
  readonly home: string;
  readonly #holder: ChildProcess;
  readonly #processId: number;
  readonly #cable: string;
  readonly #router: Router | undefined;
  /** The cable, when it is no plain one. */
  readonly #made: Disposable | undefined;

  private constructor(
    home: string,
    holder: ChildProcess,
    processId: number,
    cable: string,
    router?: Router,
    made?: Disposable,
  ) {
    this.home = home;
    this.#holder = holder;
    this.#processId = processId;
    this.#cable = cable;
    this.#router = router;
    this.#made = made;
  }

  static async create({
    hidden,
    behindRouter = false,
    cable: makeCable,
  }: SecondMachineOptions): Promise<SecondMachine> {
    const home = mkdtempSync(join(tmpdir(), "skerry-second-"));
    symlinkSync(sharedParts, join(home, "parts"));
    const script = `set -e
hostname second-machine
for folder in /run /var/lib "$@"; do mount -t tmpfs tmpfs "$folder"; done
echo ready
exec sleep infinity`;
    const holder = spawn("unshare", ["--net", "--mount", "--uts", "sh", "-c", script, "sh", ...hidden], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("exit", (status) => reject(new Error(`unshare ended with ${status}`)));
    });
    const cable = `cable${process.pid}`;
    const made = await makeCable?.(cable, holder.pid ?? 0);
    const router = behindRouter ? await Router.create(cable) : undefined;
    const machine = new SecondMachine(home, holder, holder.pid ?? 0, cable, router, made);
    await machine.#plugIn();
    return machine;
  }

  /** The address that the other machine has on the cable; in a range for tests that no network uses. */
  get address(): string {
    return `198.${this.#router ? 19 : 18}.${process.pid % 256}.2`;
  }

  async #plugIn(): Promise<void> {
    const gateway = this.address.replace(/2$/, "1");
    if (this.#router) {
      await this.#router.plugIn(this.#processId, gateway);
    } else {
      if (!this.#made) await runOk(...vethTo(this.#cable, this.#processId));
      await runOk("ip", "address", "add", `${gateway}/30`, "dev", this.#cable);
      await this.setCable("up");
    }
    assert.equal((await this.run("ip", "address", "add", `${this.address}/30`, "dev", "eth0")).status, 0);
    for (const name of ["lo", "eth0"]) assert.equal((await this.run("ip", "link", "set", name, "up")).status, 0);
  }

  /** The one route, to the cloud's address. */
  async routeTo(address: string): Promise<void> {
    const gateway = this.address.replace(/2$/, "1");
    const added = await this.run("ip", "route", "add", `${address}/32`, "via", gateway);
    assert.equal(added.status, 0, added.stderr);
  }

  async setCable(state: "up" | "down"): Promise<void> {
    await runOk("ip", "link", "set", this.#cable, state);
  }

  /** Runs a program on the other machine. */
  run(...command: readonly string[]): Promise<Ended> {
    return run([...this.#entering, ...command], { environment: { SKERRY_HOME: this.home } });
  }

  /** Starts a program on the other machine that runs until it is told to stop; its output goes to `logs/NAME.log`. */
  start(name: string, command: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const log = openSync(join(this.home, "logs", `${name}.log`), "a");
    const [program = "", ...parameters] = [...this.#entering, ...command];
    const child = spawn(program, parameters, {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    return child;
  }

  get #entering(): readonly string[] {
    return ["nsenter", "--target", String(this.#processId), "--net", "--mount", "--uts", "--"];
  }

  skerry(...parameters: readonly string[]): Promise<Ended> {
    return this.run(join(root, "bin/skerry"), ...parameters);
  }

  /** Stops the node and fails if something of it stays. */
  async down(...options: readonly string[]): Promise<void> {
    const stopped = await this.skerry("down", ...options);
    assert.equal(stopped.status, 0, stopped.stderr);
    assert.deepEqual(machineState(this.home).processes, []);
    const mounts = await this.run("cat", "/proc/self/mountinfo");
    assert.ok(!mounts.stdout.includes(this.home), mounts.stdout);
    const interfaces = (await this.run("ip", "-brief", "link")).stdout;
    assert.deepEqual([...interfaces.matchAll(/^[^\s@]+/gm)].map(([name]) => name).sort(), ["eth0", "lo"]);
    assert.doesNotMatch((await this.run("ip", "route")).stdout, /10\.24/);
  }

  /** Takes the machine away, with what it ran. */
  async dispose(): Promise<void> {
    try {
      await this.down();
    } finally {
      this.#holder.kill("SIGKILL"); // Its network goes with it, and the cable with that.
      this.#router?.dispose();
      this.#made?.[Symbol.dispose]();
      unlinkSync(join(this.home, "parts"));
      rmSync(this.home, { recursive: true, force: true });
    }
  }
}

function vethTo(name: string, processId: number): readonly string[] {
  return ["ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", String(processId)];
}

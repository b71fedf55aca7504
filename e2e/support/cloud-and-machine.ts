import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Installation } from "./installation.ts";
import { SecondMachine, type SecondMachineOptions } from "./second-machine.ts";

export interface CloudAndMachineOptions extends Pick<SecondMachineOptions, "behindRouter"> {
  /** Options of the cloud's `skerry up`. */
  readonly up?: readonly string[];
}

/** A cloud, and another machine that can become its node. */
export class CloudAndMachine {
  readonly cloud: Installation;
  readonly machine: SecondMachine;
  /** Of both, for files that go from one to the other. */
  readonly folder: string;

  private constructor(cloud: Installation, machine: SecondMachine, folder: string) {
    this.cloud = cloud;
    this.machine = machine;
    this.folder = folder;
  }

  /** Starts the cloud. @param name of its folder */
  static async create(name: string, { up = [], ...options }: CloudAndMachineOptions = {}): Promise<CloudAndMachine> {
    const cloud = await Installation.create(name);
    const machine = await SecondMachine.create({ hidden: [cloud.home], ...options });
    const folder = mkdtempSync(join(tmpdir(), `skerry-${name}-files-`));
    const both = new CloudAndMachine(cloud, machine, folder);
    try {
      await cloud.up(...up);
    } catch (error) {
      await both.dispose();
      throw error;
    }
    return both;
  }

  /** The cloud's address for nodes, without the port. */
  async cloudAddress(): Promise<string> {
    const { websocket } = JSON.parse((await this.cloud.skerry("token", "-o", "json")).stdout);
    return websocket.split(":")[0];
  }

  /**
   * Makes the machine a node with what `skerry token` prints, and waits until it is Ready.
   * @returns the edgecore.yaml that it joined with
   */
  async join(): Promise<string> {
    const { cloud, machine } = this;
    await machine.routeTo(await this.cloudAddress());
    const file = join(this.folder, "edgecore.yaml");
    writeFileSync(file, (await cloud.skerry("token")).stdout, { mode: 0o600 });
    const joined = await machine.skerry("join", file, "--detach");
    assert.equal(joined.status, 0, joined.stdout + joined.stderr);
    await cloud.kubectlOk("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s");
    return file;
  }

  /** Takes both away, with what they ran. */
  async dispose(): Promise<void> {
    try {
      await this.machine.dispose();
    } finally {
      await this.cloud.dispose();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

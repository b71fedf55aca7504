import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runOk } from "../../e2e/support/run.ts";

/** What a network does to packets, in each direction. */
export interface Impairment {
  readonly delayMs: number;
  /** 0–1. */
  readonly lossShare: number;
}

/**
 * A pair of network interfaces, as `ip link add … type veth` makes one, whose packets are late and sometimes lost. Each
 * end is a veth whose other side is read and written as a device (macvtap) by a program in between.
 */
export class LossyCable implements Disposable {
  readonly #forwarder: ChildProcess;

  readonly #ends: readonly string[];

  private constructor(forwarder: ChildProcess, ends: readonly string[]) {
    this.#ends = ends;
    this.#forwarder = forwarder;
  }

  /** @param ends of at most 13 characters; both are in this network namespace at first */
  static async create(ends: readonly [string, string], impairment: Impairment): Promise<LossyCable> {
    const devices: string[] = [];
    for (const end of ends) {
      const [inner, tap] = [`${end}-i`, `${end}-t`];
      await runOk("ip", "link", "add", end, "type", "veth", "peer", "name", inner);
      // What is lost is one packet of the network, not the 64 KiB that the kernel hands over at once.
      await runOk("ip", "link", "set", end, "gso_max_segs", "1");
      // This machine itself must not answer there.
      await runOk("ip", "link", "set", inner, "arp", "off", "addrgenmode", "none", "up");
      await runOk("ip", "link", "add", "link", inner, "name", tap, "type", "macvtap", "mode", "passthru");
      await runOk("ip", "link", "set", tap, "arp", "off", "addrgenmode", "none", "up");
      devices.push(`/dev/tap${readFileSync(`/sys/class/net/${tap}/ifindex`, "utf8").trim()}`);
    }
    const program = fileURLToPath(new URL("lossy-cable-forwarder.mjs", import.meta.url));
    const { delayMs, lossShare } = impairment;
    const forwarder = spawn(process.execPath, [program, ...devices, String(delayMs), String(lossShare)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      forwarder.stdout.once("data", () => resolve());
      forwarder.once("exit", (status) => reject(new Error(`the cable's program ended with ${status}`)));
    });
    return new LossyCable(forwarder, ends);
  }

  /** Ends the program and takes the interfaces away, those that went with another network's end apart. */
  [Symbol.dispose](): void {
    this.#forwarder.kill("SIGKILL");
    for (const end of this.#ends) spawnSync("ip", ["link", "delete", `${end}-i`], { stdio: "ignore" });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { ensureSystemParts } from "../../packages/skerry/src/systemparts/system-parts.ts";
import { sharedParts } from "./installation.ts";
import { runOk } from "./run.ts";

/**
 * A router with address translation between this machine and another one, in a network of its own. It lets connections
 * out, and in only what belongs to them. This machine has a route to the router and none to what is behind it.
 */
export class Router {
  readonly #holder: ChildProcess;
  readonly #cable: string;

  private constructor(holder: ChildProcess, cable: string) {
    this.#holder = holder;
    this.#cable = cable;
  }

  /** @param cable the name of this machine's end of the cable to the router */
  static async create(cable: string): Promise<Router> {
    const holder = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec sleep infinity"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("exit", (status) => reject(new Error(`unshare ended with ${status}`)));
    });
    return new Router(holder, cable);
  }

  /** Joins a machine to this one. @param inside the router's address for the machine */
  async plugIn(processId: number, inside: string): Promise<void> {
    const outside = inside.replace(/^198\.19/, "198.18");
    const own = String(this.#holder.pid);
    await runOk("ip", "link", "add", this.#cable, "type", "veth", "peer", "name", "wan", "netns", own);
    await runOk("ip", "address", "add", `${outside}/30`, "dev", this.#cable);
    await runOk("ip", "link", "set", this.#cable, "up");
    await this.#ok("ip", "address", "add", `${outside.replace(/1$/, "2")}/30`, "dev", "wan");
    await this.#ok("ip", "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", String(processId));
    await this.#ok("ip", "address", "add", `${inside}/30`, "dev", "lan");
    for (const name of ["lo", "wan", "lan"]) await this.#ok("ip", "link", "set", name, "up");
    await this.#ok("ip", "route", "add", "default", "via", outside);
    await this.#ok("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    await this.#ok("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-j", "MASQUERADE");
    await this.#ok("iptables", "-P", "FORWARD", "DROP");
    await this.#ok("iptables", "-A", "FORWARD", "-i", "lan", "-j", "ACCEPT");
    const answers = ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"];
    await this.#ok("iptables", "-A", "FORWARD", "-i", "wan", ...answers, "-j", "ACCEPT");
  }

  /** Its network goes with it, and the cables with that. */
  dispose(): void {
    this.#holder.kill("SIGKILL");
  }

  async #ok(...command: readonly string[]): Promise<void> {
    const { environment } = await ensureSystemParts(sharedParts, { onDownload() {}, onNoMosquitto() {} });
    await runOk(
      "nsenter",
      "--target",
      String(this.#holder.pid),
      "--net",
      "--",
      "env",
      ...assignments(environment),
      ...command,
    );
  }
}

function assignments(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

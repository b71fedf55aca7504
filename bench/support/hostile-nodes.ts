import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { HostilePlan, HostileSign } from "./hostile-node.ts";
import type { ShippedSkerry } from "./shipped-skerry.ts";
import { waitUntil } from "./shipped-skerry.ts";

const KINDS = ["flood", "deaf"] as const;
const program = fileURLToPath(new URL("hostile-node.ts", import.meta.url));

/** A node that floods CloudCore and one that never reads, each a process of its own, until they are disposed. */
export class HostileNodes implements Disposable {
  readonly #processes: ChildProcess[] = [];
  readonly #signs = new Map<string, HostileSign>();

  static readonly names: readonly string[] = KINDS.map((kind) => `hostile-${kind}`);

  /** Resolves when both are connected. */
  static async start(skerry: ShippedSkerry, limitMs: number): Promise<HostileNodes> {
    const nodes = new HostileNodes();
    for (const kind of KINDS) {
      const nodeName = `hostile-${kind}`;
      const made = JSON.parse(skerry.run("token", "--node", nodeName, "-o", "json")) as Omit<HostilePlan, "nodeName">;
      const child = fork(program, [kind], { env: {}, stdio: ["ignore", "inherit", "inherit", "ipc"] });
      child.on("message", (sign) => nodes.#signs.set(kind, sign as HostileSign));
      child.send({ ...made, nodeName } satisfies HostilePlan);
      nodes.#processes.push(child);
    }
    const isThere = (kind: string): boolean => (nodes.#signs.get(kind)?.connections ?? 0) > 0;
    await waitUntil("both hostile nodes are connected", () => KINDS.every(isThere) || undefined, 250, limitMs);
    return nodes;
  }

  /** What they have done, in words. */
  get account(): string {
    return KINDS.map((kind) => {
      const { connections = 0, sent = 0 } = this.#signs.get(kind) ?? {};
      return `${kind}: ${sent} messages on ${connections} connections`;
    }).join("; ");
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }
}

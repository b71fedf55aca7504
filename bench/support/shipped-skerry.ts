import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { freePorts } from "../../e2e/support/free-ports.ts";
import { run } from "../../e2e/support/run.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const LIMIT_MS = 120_000;
/** `status` of thousands of nodes is long. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What `skerry status -o json` says of a part. */
interface PartStatus {
  readonly name: string;
  readonly processId?: number;
}

/** The environment of a plain machine: settings that make Node.js load more certificates cost memory. */
function environment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_|SSL_|SKERRY_|MALLOC_)/.test(name));
  return { ...Object.fromEntries(kept), SKERRY_HOME: home };
}

/** Skerry as a user has it: packed, installed by npm into an empty folder, with a home folder and ports of its own. */
export class ShippedSkerry {
  readonly folder: string;
  readonly home: string;
  readonly mqttPort: number;
  readonly #portOptions: readonly string[];

  private constructor(folder: string, home: string, ports: readonly number[]) {
    this.folder = folder;
    this.home = home;
    const [api = 0, hub = 0, hubHttps = 0, mqtt = 0, stream = 0, tunnel = 0] = ports.map(String);
    this.mqttPort = Number(mqtt);
    const options = {
      ...{ "--api-port": api, "--hub-port": hub, "--hub-https-port": hubHttps, "--mqtt-port": mqtt },
      ...{ "--stream-port": stream, "--tunnel-port": tunnel },
    };
    this.#portOptions = Object.entries(options).flat().map(String);
  }

  /** Packs and installs. `parts` is a folder of system parts that stays, so that they are fetched once only. */
  static async install(parts: string): Promise<ShippedSkerry> {
    const scratch = mkdtempSync(join(tmpdir(), "skerry-bench-"));
    const [folder, home] = [join(scratch, "user"), join(scratch, "home")];
    for (const path of [folder, home, parts]) mkdirSync(path, { recursive: true });
    symlinkSync(parts, join(home, "parts"));
    execFileSync(process.execPath, [join(root, "tools/pack.ts"), join(scratch, "dist")], { cwd: root });
    writeFileSync(join(folder, "package.json"), "{}");
    const tarballs = globSync("*.tgz", { cwd: join(scratch, "dist") }).map((name) => join(scratch, "dist", name));
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...tarballs], { cwd: folder });
    return new ShippedSkerry(folder, home, await freePorts(6));
  }

  /** Runs `skerry …` and returns what it printed. */
  run(...parameters: readonly string[]): string {
    return execFileSync(join(this.folder, "node_modules/.bin/skerry"), parameters, {
      cwd: this.folder,
      env: environment(this.home),
      encoding: "utf8",
      maxBuffer: MAX_OUTPUT_BYTES,
    });
  }

  /** Starts `skerry …`, which goes on while it is measured; its standard output is piped. */
  start(...parameters: readonly string[]): ChildProcess {
    return spawn(join(this.folder, "node_modules/.bin/skerry"), parameters, {
      cwd: this.folder,
      env: environment(this.home),
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  /** Starts everything; returns the time of the whole command and of each step it printed. */
  up(...options: readonly string[]): { readonly totalMs: number; readonly stepsMs: ReadonlyMap<string, number> } {
    const beganMs = performance.now();
    const printed = this.run("up", "--detach", ...this.#portOptions, ...options);
    const totalMs = performance.now() - beganMs;
    const steps = [...printed.matchAll(/^✓ (.+?)\s{2,}([\d.]+) (ms|s)\b/gm)].map(
      ([, title = "", number, unit]): [string, number] => [title, Number(number) * (unit === "s" ? 1000 : 1)],
    );
    return { totalMs, stepsMs: new Map(steps) };
  }

  /** Stops everything, forgets all state and starts anew; the system parts stay. */
  startAfresh(): void {
    this.run("reset", "--yes");
    this.up();
  }

  /** Runs kubectl and returns what it printed; rejects when it fails. */
  async kubectl(parameters: readonly string[], input = ""): Promise<string> {
    const ended = await run(["kubectl", "--kubeconfig", join(this.home, "kubeconfig"), ...parameters], { input });
    if (ended.status !== 0) throw new Error(`kubectl ${parameters.join(" ")}: ${ended.stderr}`);
    return ended.stdout;
  }

  /** The same API that kubectl uses, without its start time. */
  async api(): Promise<HttpsKubernetesApi> {
    return new HttpsKubernetesApi(await loadKubeconfig(join(this.home, "kubeconfig")));
  }

  /** The processes of all parts that run. */
  processIds(): ReadonlyMap<string, number> {
    const status = JSON.parse(this.run("status", "-o", "json")) as {
      readonly processId: number;
      readonly parts: readonly PartStatus[];
    };
    const parts = status.parts.flatMap(({ name, processId }): [string, number][] =>
      processId === undefined ? [] : [[name, processId]],
    );
    return new Map([["supervisor", status.processId], ...parts]);
  }

  edgeCoreProcess(): number | undefined {
    try {
      return [...this.processIds()].find(([name]) => name.startsWith("edgecore "))?.[1];
    } catch {
      return undefined; // `status` fails while a part is being started again.
    }
  }

  /** Ends EdgeCore as a crash would and resolves when its successor runs. */
  async restartEdgeCore(): Promise<number> {
    const before = this.edgeCoreProcess();
    if (before === undefined) throw new Error("EdgeCore does not run");
    process.kill(before, "SIGKILL");
    return waitUntil("EdgeCore runs again", () => {
      const now = this.edgeCoreProcess();
      return now === before ? undefined : now;
    });
  }

  /** The lines of a log that hold a text. */
  logLines(log: string, text: string): string[] {
    return readFileSync(join(this.home, "logs", log), "utf8")
      .split("\n")
      .filter((line) => line.includes(text));
  }

  [Symbol.dispose](): void {
    this.run("down");
    unlinkSync(join(this.home, "parts"));
    rmSync(dirname(this.home), { recursive: true, force: true });
  }
}

/** Asks again every 20 ms until there is a value. */
export async function waitUntil<T>(
  expected: string,
  check: () => T | undefined | Promise<T | undefined>,
  intervalMs = 20,
  limitMs: number = LIMIT_MS,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${expected}`);
    await delay(intervalMs);
  }
}

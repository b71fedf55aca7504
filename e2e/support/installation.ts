import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "./free-ports.ts";
import { type Ended, run } from "./run.ts";

/** The repository's root folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Downloaded system parts are shared between the tests and runs, as a second start of a user shares them. */
export const sharedParts: string = process.env["SKERRY_E2E_PARTS"] ?? join(tmpdir(), "skerry-e2e-parts");

/** A Skerry of its own: home folder, ports, kubeconfig. */
export class Installation {
  readonly home: string;
  readonly ports: Readonly<Record<"api" | "hub" | "hubHttps" | "mqtt" | "stream" | "tunnel", number>>;

  private constructor(home: string, ports: readonly number[]) {
    this.home = home;
    const [api = 0, hub = 0, hubHttps = 0, mqtt = 0, stream = 0, tunnel = 0] = ports;
    this.ports = { api, hub, hubHttps, mqtt, stream, tunnel };
  }

  static async create(name: string): Promise<Installation> {
    const home = mkdtempSync(join(tmpdir(), `skerry-${name}-`));
    mkdirSync(sharedParts, { recursive: true });
    symlinkSync(sharedParts, join(home, "parts"));
    return new Installation(home, await freePorts(6));
  }

  get kubeconfig(): string {
    return join(this.home, "kubeconfig");
  }

  /** Where all of a node of this machine is. */
  nodeFolder(node: string): string {
    return join(this.home, node);
  }

  /** The options that give this installation its own ports. */
  get portOptions(): readonly string[] {
    return [
      ...["--api-port", String(this.ports.api)],
      ...["--hub-port", String(this.ports.hub)],
      ...["--hub-https-port", String(this.ports.hubHttps)],
      ...["--mqtt-port", String(this.ports.mqtt)],
      ...["--stream-port", String(this.ports.stream)],
      ...["--tunnel-port", String(this.ports.tunnel)],
    ];
  }

  /** Runs `skerry …` with this home folder. */
  skerry(...parameters: readonly string[]): Promise<Ended> {
    return run([join(root, "bin/skerry"), ...parameters], { environment: { SKERRY_HOME: this.home } });
  }

  /** What a command printed, which must succeed. */
  async skerryOk(...parameters: readonly string[]): Promise<string> {
    const result = await this.skerry(...parameters);
    assert.equal(result.status, 0, `skerry ${parameters.join(" ")}: ${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** Starts everything and fails the test with the logs when it does not become ready. */
  async up(...options: readonly string[]): Promise<Ended> {
    const result = await this.skerry("up", "--detach", ...this.portOptions, ...options);
    assert.equal(result.status, 0, `skerry up: ${result.stdout}${result.stderr}${this.logs()}`);
    return result;
  }

  /** Runs kubectl; its status is the caller's to check. */
  kubectl(...parameters: readonly string[]): Promise<Ended> {
    return run(["kubectl", "--kubeconfig", this.kubeconfig, ...parameters]);
  }

  /** Runs kubectl with a manifest on standard input. */
  kubectlWith(input: string, ...parameters: readonly string[]): Promise<Ended> {
    return run(["kubectl", "--kubeconfig", this.kubeconfig, ...parameters], { input });
  }

  /** Runs kubectl, fails the test when it fails, and returns what it printed. */
  async kubectlOk(...parameters: readonly string[]): Promise<string> {
    const result = await this.kubectl(...parameters);
    assert.equal(result.status, 0, `kubectl ${parameters.join(" ")}: ${result.stderr}`);
    return result.stdout;
  }

  /** An object as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: raw JSON of the API, read by assertions.
  async get(...parameters: readonly string[]): Promise<any> {
    return JSON.parse(await this.kubectlOk("get", ...parameters, "-o", "json"));
  }

  /** The ends of all logs, for the message of a failed test. */
  logs(): string {
    const names = ["supervisor.log", "controlplane.log", "cloudcore.log", "edgecore-edge-node-1.log"];
    return names
      .map((name) => join(this.home, "logs", name))
      .filter((path) => existsSync(path))
      .map((path) => `\n--- ${path}\n${readFileSync(path, "utf8").slice(-4_000)}`)
      .join("");
  }

  /** Stops everything and removes the home folder, but not the shared parts. */
  async dispose(): Promise<void> {
    const stopped = await this.skerry("down");
    assert.equal(stopped.status, 0, stopped.stderr);
    unlinkSync(join(this.home, "parts"));
    if (process.env["SKERRY_E2E_KEEP"] !== "1") rmSync(this.home, { recursive: true, force: true });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "./installation.ts";
import { endProgram, firstMatch } from "./running-program.ts";

/** A `skerry controlplane` in a process of its own, on any free port. What it logs goes to this process's standard error. */
export class ControlPlaneProcess implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly #child: ChildProcess;
  readonly #ready: Promise<string>;

  private constructor(kubeconfig: string, child: ChildProcess) {
    this.kubeconfig = kubeconfig;
    this.#child = child;
    this.#ready = firstMatch(child, /^Ready at https:\/\/127\.0\.0\.1:(\d+)/m);
    this.#ready.catch(() => {}); // Told to whoever waits for it; one that is killed early has nobody who does.
  }

  /** Starts one that keeps its database, keys and kubeconfig in `folder`; it becomes ready later. */
  static spawn(folder: string): ControlPlaneProcess {
    const kubeconfig = join(folder, "direct.kubeconfig");
    // Without the launcher, whose end would not be that of the server.
    const program = ["--disable-warning=ExperimentalWarning", join(root, "packages/skerry/src/main.ts")];
    const child = spawn(
      process.execPath,
      [...program, "controlplane", "--kubeconfig", kubeconfig, "--data", join(folder, "data"), "--port", "0"],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, SKERRY_HOME: folder } },
    );
    return new ControlPlaneProcess(kubeconfig, child);
  }

  /** Starts one and waits until it is ready. @throws Error with what it printed when it ends instead */
  static async start(folder: string): Promise<ControlPlaneProcess> {
    const started = ControlPlaneProcess.spawn(folder);
    await started.port();
    return started;
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** Its port, once it is ready. @throws Error with what it printed when it ended before */
  async port(): Promise<number> {
    return Number(await this.#ready);
  }

  /** Ends it as a crash would: nothing it holds in memory is written any more. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }

  /** Ends it as Ctrl-C would. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endProgram(this.#child);
  }
}

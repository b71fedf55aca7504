import { type ChildProcess, spawn } from "node:child_process";
import { type Ended, run } from "./run.ts";

/** What kubectl asks the API server to switch to for exec, attach, cp and port-forward. */
export type StreamTransport = "WebSocket" | "SPDY";

/** One kubectl program with one cluster's kubeconfig. */
export class Kubectl {
  readonly program: string;
  readonly #kubeconfig: string;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(program: string, kubeconfig: string, transport: StreamTransport) {
    this.program = program;
    this.#kubeconfig = kubeconfig;
    const asked = String(transport === "WebSocket");
    this.#environment = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: asked, KUBECTL_PORT_FORWARD_WEBSOCKETS: asked };
  }

  /** Runs it; its status is the caller's to check. */
  run(...parameters: readonly string[]): Promise<Ended> {
    return run([this.program, "--kubeconfig", this.#kubeconfig, ...parameters], { environment: this.#environment });
  }

  /** Runs it with something on its standard input. */
  runWith(input: string, ...parameters: readonly string[]): Promise<Ended> {
    const environment = this.#environment;
    return run([this.program, "--kubeconfig", this.#kubeconfig, ...parameters], { input, environment });
  }

  /** Runs it and gives what it printed. @throws Error when it fails */
  async ok(...parameters: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...parameters);
    if (status !== 0) throw new Error(`kubectl ${parameters.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Runs it with a terminal of 33 rows and 77 columns. */
  runWithTerminal(...parameters: readonly string[]): Promise<Ended> {
    return this.typeInto("", ...parameters);
  }

  /** Runs it with such a terminal, into which something is typed. */
  typeInto(input: string, ...parameters: readonly string[]): Promise<Ended> {
    const words = [this.program, "--kubeconfig", this.#kubeconfig, ...parameters].map(quoted);
    const script = `stty rows 33 cols 77; ${words.join(" ")}`;
    return run(["script", "-qec", script, "/dev/null"], { input, environment: this.#environment });
  }

  /** Starts it; it runs until it ends by itself or is told to stop. */
  start(...parameters: readonly string[]): ChildProcess {
    const env = { ...process.env, ...this.#environment };
    return spawn(this.program, ["--kubeconfig", this.#kubeconfig, ...parameters], { env });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

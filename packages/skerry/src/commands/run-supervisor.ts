import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { SkerryError } from "@skerry/base";
import { createLogger, RotatingLog, systemClock } from "@skerry/base/platform";
import { alreadyRunning, codedError, partNotReady } from "../errors.ts";
import { smallNode } from "../node-options.ts";
import { loadSettings, type Settings, saveSettings } from "../settings.ts";
import { checkFreeSpace, type SkerryHome, skerryHome } from "../skerry-home.ts";
import { cleanUpAfterCrash } from "../supervisor/clean-up.ts";
import { type ControlRequest, controlSocketPath } from "../supervisor/control-channel.ts";
import { ControlServer } from "../supervisor/control-server.ts";
import { liveHolder, releaseLock, takeLock } from "../supervisor/home-lock.ts";
import { ownCommand } from "../supervisor/part-descriptions.ts";
import type { StepEvent, StepListener } from "../supervisor/steps.ts";
import { StopRequest } from "../supervisor/stop-request.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { startUnit } from "../systemd/service-manager.ts";
import { paint, print, printStep, shellWord } from "../terminal.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

/** What the background supervisor tells the waiting command. */
type DetachedMessage =
  | { readonly kind: "step"; readonly event: StepEvent }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly advice: string };

/** How Skerry's parts are run: until Ctrl-C, in the background, or by the machine's systemd. */
export type StartMode = "foreground" | "detached" | "systemd";

/** Databases and logs of a first start. */
const CLOUD_SIDE_BYTES = 16 * 1024 * 1024;
/** Images and containers too. */
const WITH_NODE_BYTES = 64 * 1024 * 1024;

/**
 * Runs Skerry's parts on this machine: in the foreground until Ctrl-C, else returning when all is ready. Keeps the
 * settings for the next start. Resolves with the exit code. Throws SKERRY_ALREADY_RUNNING, SKERRY_DISK_FULL.
 */
export async function runSupervisor(home: SkerryHome, settings: Settings, mode: StartMode): Promise<number> {
  const holder = liveHolder(home);
  if (holder) throw alreadyRunning(home.folder, holder.processId);
  checkFreeSpace(home.folder, settings.node === undefined ? CLOUD_SIDE_BYTES : WITH_NODE_BYTES);
  saveSettings(home, settings);
  switch (mode) {
    case "foreground":
      return runInForeground(home, settings);
    case "detached":
      return startDetached(home, settings);
    case "systemd":
      await startUnit(home, settings);
      printNextSteps(home, settings);
      return EXIT_OK;
  }
}

async function startDetached(home: SkerryHome, settings: Settings): Promise<number> {
  const logPath = join(home.logs, "supervisor.out");
  const log = openSync(logPath, "a", 0o640);
  const [program = "", ...parameters] = ownCommand(["supervise"], smallNode);
  const child = spawn(program, parameters, {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: { ...process.env, ...smallNode.environment },
  });
  await new Promise<void>((resolve, reject) => {
    child.on("message", (received) => {
      const message = received as DetachedMessage; // Our own child; nobody else writes to this channel.
      if (message.kind === "step") printStep(message.event);
      else if (message.kind === "ready") resolve();
      else reject(new SkerryError(message));
    });
    child.on("exit", (code, signal) =>
      reject(partNotReady("Skerry", `its supervisor ended (${signal ?? `status ${code}`})`, logPath)),
    );
    child.on("error", reject);
  });
  child.disconnect();
  child.unref();
  printNextSteps(home, settings);
  return EXIT_OK;
}

async function runInForeground(home: SkerryHome, settings: Settings): Promise<number> {
  return supervise(
    home,
    settings,
    (event) => printStep(event),
    () => {
      printNextSteps(home, settings);
      print();
      print("Ctrl-C stops everything.");
    },
  );
}

/** `skerry supervise`: the background process of `skerry up --detach`. */
export const superviseCommand: Command = {
  name: "supervise",
  summary: "the background process of `skerry up --detach`",
  help: "skerry supervise\n\nStarted by `skerry up --detach`.\n",
  internal: true,
  async run() {
    const home = skerryHome();
    const tell = (message: DetachedMessage): void => {
      if (process.connected) process.send?.(message);
    };
    try {
      return await supervise(
        home,
        loadSettings(home),
        (event) => tell({ kind: "step", event }),
        () => tell({ kind: "ready" }),
      );
    } catch (thrown) {
      const error = codedError(thrown);
      const coded = error instanceof SkerryError ? error : undefined;
      tell({
        kind: "failed",
        code: coded?.code ?? "SKERRY_INTERNAL",
        message: error instanceof Error ? error.message : String(error),
        advice: coded?.advice ?? `This is a bug in Skerry; see ${join(home.logs, "supervisor.out")}.`,
      });
      return EXIT_FAILED;
    }
  },
};

/** Runs the supervisor until a signal or `skerry down` ends it. */
async function supervise(
  home: SkerryHome,
  settings: Settings,
  tell: StepListener,
  onReady: () => void,
): Promise<number> {
  const crashed = takeLock(home);
  using log = new RotatingLog(join(home.logs, "supervisor.log"));
  const logger = createLogger({
    clock: systemClock,
    format: "text",
    write: (line) => log.write(Buffer.from(`${line}\n`)),
  });
  try {
    if (crashed) await cleanUpAfterCrash(home, settings, crashed);
    const stop = new StopRequest();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.ask("at once"));
    const supervisor = new Supervisor({ home, settings, clock: systemClock, logger, tell });
    const control = new ControlServer(controlSocketPath(home), async (request: ControlRequest) => {
      if (request.command !== "stop") return supervisor.handle(request);
      stop.ask(request.graceful ? "graceful" : "at once");
      return undefined;
    });
    await control.start();
    try {
      const started = supervisor.start().then(onReady);
      await Promise.race([started, stop.asked]);
      const isGraceful = (await stop.asked) === "graceful";
      logger.info(isGraceful ? "Stopping; pods have their own time to end" : "Stopping");
      if (isGraceful) await stop.allowTime(supervisor.shutDown());
    } catch (error) {
      logger.error("The start failed", { reason: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      await supervisor[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
    }
    return EXIT_OK;
  } finally {
    releaseLock(home);
  }
}

function printNextSteps(home: SkerryHome, settings: Settings): void {
  print();
  if (settings.cloud) {
    print(paint("bold", `${settings.node} has joined. On the cloud's machine: kubectl get nodes`));
    print("  npx skerry status   # here: the parts of this node");
    print("  npx skerry up       # after a restart of the machine");
    print("  npx skerry down     # stop everything");
    return;
  }
  print(paint("bold", "Skerry is ready. Try:"));
  print(`  export KUBECONFIG=${shellWord(home.kubeconfig)}`);
  print("  kubectl get nodes,pods,devices -o wide");
  if (settings.node !== undefined) {
    print(`  npx skerry link cut ${settings.node}       # pull the cable; the node carries on`);
    print(`  npx skerry link restore ${settings.node}   # both sides agree again`);
    print("  npx skerry demo                       # watch the whole story");
  }
  print("  npx skerry down                       # stop everything");
}

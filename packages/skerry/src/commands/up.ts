import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SkerryError } from "@skerry/base";
import { createLogger, systemClock } from "@skerry/base/platform";
import { alreadyRunning, codedError, partNotReady, usageError } from "../errors.ts";
import { smallNode } from "../node-options.ts";
import { defaultSettings, loadSettings, type Settings, saveSettings } from "../settings.ts";
import { checkFreeSpace, prepareHome, type SkerryHome, skerryHome } from "../skerry-home.ts";
import { cleanUpAfterCrash } from "../supervisor/clean-up.ts";
import { ControlServer, controlSocketPath } from "../supervisor/control-channel.ts";
import { liveHolder, releaseLock, takeLock } from "../supervisor/home-lock.ts";
import { ownCommand } from "../supervisor/part-descriptions.ts";
import { RotatingLog } from "../supervisor/rotating-log.ts";
import type { StepEvent, StepListener } from "../supervisor/steps.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { paint, print, printStep, shellWord } from "../terminal.ts";
import { type Command, EXIT_FAILED, EXIT_OK } from "./command.ts";

const help = `skerry up [--detach] [options]

Starts everything on this machine: a small Kubernetes, CloudCore, one edge node with its own containerd, an MQTT
broker, a virtual thermometer and an example app. Runs until Ctrl-C, or in the background with --detach.

  --detach              return when everything is ready
  --no-node             only the cloud side; needs no root (--node: with the node again)
  --no-examples         without example app and thermometer (--examples: with them again)
  --api-port NUMBER     Kubernetes API (6443)
  --api-address ADDRESS where the Kubernetes API listens (127.0.0.1)
  --hub-port NUMBER     CloudHub's WebSocket (10000)
  --hub-https-port NUMBER  CloudHub's HTTPS (10002)
  --mqtt-port NUMBER    MQTT broker (1883)
  --pod-subnet CIDR     addresses of the pods (a free 10.244.x.0/24)

Options are kept in the home folder (.skerry, or SKERRY_HOME) for the next start.

Examples:
  skerry up --detach
  skerry up --api-port 7443 --mqtt-port 11883
`;

/** Databases and logs of a first start. */
const CLOUD_SIDE_BYTES = 16 * 1024 * 1024;
/** Images and containers too. */
const WITH_NODE_BYTES = 64 * 1024 * 1024;

/** `skerry up`. */
export const up: Command = {
  name: "up",
  summary: "start everything (npm start)",
  help,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      allowNegative: true,
      options: {
        detach: { type: "boolean" },
        node: { type: "boolean" },
        examples: { type: "boolean" },
        "api-port": { type: "string" },
        "api-address": { type: "string" },
        "hub-port": { type: "string" },
        "hub-https-port": { type: "string" },
        "mqtt-port": { type: "string" },
        "pod-subnet": { type: "string" },
      },
    });
    const home = skerryHome();
    prepareHome(home);
    const before = loadSettings(home);
    const settings: Settings = {
      ...before,
      apiPort: portOption(values["api-port"], "--api-port") ?? before.apiPort,
      apiAddress: values["api-address"] ?? before.apiAddress,
      cloudHubPort: portOption(values["hub-port"], "--hub-port") ?? before.cloudHubPort,
      cloudHttpsPort: portOption(values["hub-https-port"], "--hub-https-port") ?? before.cloudHttpsPort,
      mqttPort: portOption(values["mqtt-port"], "--mqtt-port") ?? before.mqttPort,
      podSubnet: subnetOption(values["pod-subnet"]) ?? before.podSubnet,
      node: nodeOption(values.node, before.node),
      examples: values.examples ?? before.examples,
    };
    const holder = liveHolder(home);
    if (holder) throw alreadyRunning(home.folder, holder.processId);
    checkFreeSpace(home.folder, settings.node === undefined ? CLOUD_SIDE_BYTES : WITH_NODE_BYTES);
    saveSettings(home, settings);
    if (values.detach) return startDetached(home, settings);
    return runInForeground(home, settings);
  },
};

function portOption(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw usageError(`${option} needs a port number between 1 and 65535, not ${JSON.stringify(text)}`);
  return port;
}

function nodeOption(wanted: boolean | undefined, before: string | undefined): string | undefined {
  if (wanted === undefined) return before;
  return wanted ? (before ?? defaultSettings().node) : undefined;
}

function subnetOption(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const valid =
    match?.slice(1, 5).every((part) => Number(part) < 256) && Number(match?.[5]) >= 16 && Number(match?.[5]) <= 28;
  if (!valid) throw usageError(`--pod-subnet needs an IPv4 range like 10.99.0.0/24, not ${JSON.stringify(text)}`);
  return text;
}

/** What the background supervisor tells the waiting command. */
type DetachedMessage =
  | { readonly kind: "step"; readonly event: StepEvent }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly advice: string };

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
    const stop = Promise.withResolvers<void>();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.resolve());
    const supervisor = new Supervisor({ home, settings, clock: systemClock, logger, tell });
    const control = new ControlServer(controlSocketPath(home), async (request) => {
      if (request.command !== "stop") return supervisor.handle(request);
      stop.resolve();
      return undefined;
    });
    await control.start();
    try {
      const started = supervisor.start().then(onReady);
      await Promise.race([started, stop.promise]);
      await stop.promise;
      logger.info("Stopping");
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

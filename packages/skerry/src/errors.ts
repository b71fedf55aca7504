import { SkerryError } from "@skerry/base";

/** Something on the command line is wrong. */
export function usageError(message: string): SkerryError {
  return new SkerryError({ code: "SKERRY_USAGE", message, advice: "See the command's --help." });
}

/** No CloudCore serves the control socket. */
export function cloudCoreNotAnswering(socketPath: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_CLOUDCORE_NOT_ANSWERING",
    message: `No CloudCore of this machine answers at ${socketPath}`,
    advice:
      "Start Skerry with `skerry up`, or name the socket of `cloudcore --control SOCKET`; a node's own machine cannot be asked.",
    details: { socketPath },
  });
}

/** The command needs root. */
export function needsRoot(what: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_NEEDS_ROOT",
    message: `${what} needs root: containers, network namespaces and mounts are made`,
    advice: "Run the command as root, or start only the cloud side with `skerry up --no-node`.",
  });
}

/** Programs are missing and there is no apt to fetch them with. */
export function partsWithoutApt(programs: readonly string[]): SkerryError {
  return new SkerryError({
    code: "SKERRY_PARTS_NO_APT",
    message: `Missing on this machine: ${programs.join(", ")}; there is no apt-get to fetch them with`,
    advice: "Install them with the machine's package manager and start again; no service needs to be enabled.",
    details: { programs: [...programs] },
  });
}

/** The Debian packages could not be downloaded. */
export function partsDownloadFailed(packages: readonly string[], reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_PARTS_DOWNLOAD_FAILED",
    message: `Debian packages ${packages.join(", ")} could not be downloaded: ${reason}`,
    advice:
      "Check the network and the machine's apt sources, or install the packages yourself; once unpacked they are kept and no network is needed.",
    details: { packages: [...packages] },
  });
}

/** A downloaded package does not hold what it should. */
export function partsIncomplete(programs: readonly string[], folder: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_PARTS_INCOMPLETE",
    message: `The Debian packages unpacked in ${folder} do not hold ${programs.join(", ")}`,
    advice: "Install the programs with the machine's package manager, or remove the folder and start again.",
    details: { programs: [...programs], folder },
  });
}

/** No container can run here. */
export function containersUnavailable(reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_CONTAINERS_UNAVAILABLE",
    message: `Containers cannot run on this machine: ${reason}`,
    advice:
      "Run on a machine, virtual machine or privileged container that may create namespaces, mounts and cgroups, or start only the cloud side with `skerry up --no-node`.",
  });
}

/** A command of the machine failed. */
export function commandFailed(command: readonly string[], reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_COMMAND_FAILED",
    message: `\`${command.join(" ")}\` failed: ${reason}`,
    advice: "See its message; the log folder has more.",
  });
}

/** No free subnet for the pods. */
export function noFreeSubnet(tried: readonly string[]): SkerryError {
  return new SkerryError({
    code: "SKERRY_NO_FREE_SUBNET",
    message: `Each subnet for pods is in use on this machine: ${tried.join(", ")}`,
    advice: "Give one that is free with --pod-subnet, for instance --pod-subnet 10.99.0.0/24.",
  });
}

/** The subnet that was asked for would take the machine's own addresses away. */
export function subnetInUse(subnet: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_SUBNET_IN_USE",
    message: `The subnet ${subnet} overlaps an address or route of this machine`,
    advice: "Give one that is free with --pod-subnet; `ip route` shows which are not.",
    details: { subnet },
  });
}

/** IPv6 was asked for on a machine that cannot give it to pods. */
export function noIpv6(subnet: string, problem: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_NO_IPV6",
    message: `Pods cannot have addresses of ${subnet} on this machine: ${problem}`,
    advice: "Give --pod-subnet an IPv4 range alone, for instance --pod-subnet 10.99.0.0/24, or switch IPv6 on.",
    details: { subnet },
  });
}

/** An image archive cannot be read. */
export function imageArchiveInvalid(path: string, reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_IMAGE_ARCHIVE_INVALID",
    message: `${path} is not an image archive that can be loaded: ${reason}`,
    advice: "Give a tar file as `docker save` or `skopeo copy … oci-archive:` writes it.",
    details: { path },
  });
}

/** Skerry runs already with this home folder. */
export function alreadyRunning(home: string, processId: number): SkerryError {
  return new SkerryError({
    code: "SKERRY_ALREADY_RUNNING",
    message: `Skerry runs already in ${home} (process ${processId})`,
    advice: "Use `skerry status`, stop it with `skerry down`, or set SKERRY_HOME for a second one.",
    details: { home, processId },
  });
}

/** The command needs a running Skerry. */
export function notRunning(home: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_NOT_RUNNING",
    message: `Skerry does not run in ${home}`,
    advice: "Start it with `npm start` or `skerry up --detach`; SKERRY_HOME chooses another folder.",
    details: { home },
  });
}

/** A port is taken by someone else. */
export function portInUse(port: number, purpose: string, option: string, holder: string | undefined): SkerryError {
  return new SkerryError({
    code: "SKERRY_PORT_IN_USE",
    message: `Port ${port} (${purpose}) is in use${holder ? ` by ${holder}` : ""}`,
    advice: `Stop that program, or choose another port with ${option} NUMBER.`,
    details: { port, purpose },
  });
}

/** A part of Skerry did not become ready. */
export function partNotReady(part: string, reason: string, logPath: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_PART_NOT_READY",
    message: `${part} did not become ready: ${reason}`,
    advice: `See ${logPath}.`,
    details: { part },
  });
}

/** No such edge node here. */
export function unknownNode(node: string, known: readonly string[]): SkerryError {
  return new SkerryError({
    code: "SKERRY_UNKNOWN_NODE",
    message: `There is no node ${node} on this machine`,
    advice: `Known here: ${known.join(", ") || "none"}.`,
    details: { node },
  });
}

/** Skerry's home folder cannot be used. */
export function homeUnusable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "SKERRY_HOME_UNUSABLE",
    message: `The folder ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "Choose another with SKERRY_HOME, or correct its owner and permissions.",
    details: { path },
    cause,
  });
}

/** A step of the demo did not come true in time. */
export function demoStepFailed(expected: string, limitMs: number, seen: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_DEMO_STEP_FAILED",
    message: `Not within ${limitMs / 1000} s: ${expected}${seen ? ` (${seen})` : ""}`,
    advice: "See `skerry status`, `kubectl get events` and the logs in the home folder's logs/.",
  });
}

/** A component's configuration file cannot be read. */
export function configUnreadable(path: string, reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_CONFIG_UNREADABLE",
    message: `The configuration ${path} cannot be read: ${reason}`,
    advice: "Give a YAML file as `skerry token` (to join) or --minconfig of the component prints it.",
    details: { path },
  });
}

/** The file system has no space, or too little to begin. */
export function diskFull(what: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "SKERRY_DISK_FULL",
    message: what,
    advice: "Free space on that file system, or choose a folder on another one with SKERRY_HOME.",
    cause,
  });
}

/** What went wrong as a coded error, where the machine says enough to be one; else unchanged. */
export function codedError(error: unknown): unknown {
  if (error instanceof SkerryError || !(error instanceof Error) || !("code" in error)) return error;
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") return error;
  const path = "path" in error ? ` writing ${String(error.path)}` : "";
  return diskFull(`No space is left on the disk${path}`, error);
}

/** The command needs the cloud, which runs on another machine. */
export function cloudElsewhere(cloudHub: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_CLOUD_ELSEWHERE",
    message: `This machine's node joined the cloud at ${cloudHub}; there is none here`,
    advice: "Run the command on the cloud's machine.",
    details: { cloudHub },
  });
}

/** A folder that has a cloud cannot be a mere node's. */
export function hasCloud(home: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_HAS_CLOUD",
    message: `${home} has a cloud of its own, so its machine's node cannot join another`,
    advice: "Choose another folder with SKERRY_HOME, or delete this cloud with `skerry reset`.",
    details: { home },
  });
}

/** The cloud gave the node no certificate, so that it can do nothing. */
export function cloudNotReached(node: string, cloudHttps: string, logPath: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_CLOUD_NOT_REACHED",
    message: `${node} could not join: the cloud at https://${cloudHttps} gave it no certificate`,
    advice: `Check that this machine reaches that address and port, and that the token is from today. See ${logPath}.`,
    details: { node, cloudHttps },
  });
}

/** There is no place with samples. */
export function noSamplesHere(reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_NO_SAMPLES",
    message: `There are no samples here: ${reason}`,
    advice: "Run the command where `skerry up` or `skerry join` ran, or name a configuration with --config.",
  });
}

/** Not one sample of the property was ever stored: perhaps a typing error. */
export function neverMeasured(deviceId: string, property: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_NEVER_MEASURED",
    message: `No sample of property ${property} of device ${deviceId} was ever stored here`,
    advice: `Look for the names with \`kubectl get devices -A\`; \`skerry why device ${deviceId.split("/").at(-1)}\` tells why a device says nothing.`,
    details: { device: deviceId, property },
  });
}

/** No driver of this name is installed. */
export function driverNotFound(name: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_DRIVER_NOT_FOUND",
    message: `There is neither a file ${name} nor an installed driver of that name`,
    advice: "Give the path of a driver's file, or install its package; that of modbus is @skerry/driver-modbus.",
    details: { name },
  });
}

/** A manifest that a command needs is not there, or is none. */
export function manifestUnreadable(path: string, kind: string, reason: string): SkerryError {
  return new SkerryError({
    code: "SKERRY_MANIFEST_UNREADABLE",
    message: `${path} is no ${kind}: ${reason}`,
    advice: `Name a YAML file with a ${kind}; \`skerry mapper new\` writes one of a Device and of its model to begin with.`,
    details: { path },
  });
}

/** What is to be written is there already. */
export function folderNotEmpty(folder: string, files: readonly string[]): SkerryError {
  return new SkerryError({
    code: "SKERRY_FOLDER_NOT_EMPTY",
    message: `${folder} already has ${files.join(", ")}`,
    advice: "Choose another name, or another folder with --folder.",
    details: { folder },
  });
}

/** The machine has no systemd that runs. */
export function noSystemd(): SkerryError {
  return new SkerryError({
    code: "SKERRY_NO_SYSTEMD",
    message: "systemd does not run this machine",
    advice:
      "Leave out --systemd and let the machine's own init run `skerry up`; `keadm init --systemd --dry-run` shows the unit.",
  });
}

/** The checks before a start found what stands in its way. */
export function preflightFailed(findings: readonly { readonly code: string }[]): SkerryError {
  const codes = findings.map(({ code }) => code);
  return new SkerryError({
    code: "SKERRY_PREFLIGHT",
    message: `The checks before the start found ${codes.join(", ")}`,
    advice: "Do what is said above and run the command again; --skip-preflight-checks starts all the same.",
    details: { codes },
  });
}

/** Not all hollow nodes were there in time. */
export function fleetNotReady(
  state: {
    readonly nodes: number;
    readonly joined: number;
    readonly connected: number;
    readonly ready?: number | undefined;
    readonly failure?: string | undefined;
  },
  timeoutMs: number,
): SkerryError {
  const { nodes, joined, connected, ready, failure } = state;
  return new SkerryError({
    code: "SKERRY_FLEET_NOT_READY",
    message: `After ${timeoutMs / 1000} s ${joined} of ${nodes} nodes had joined, ${connected} were connected${ready === undefined ? "" : `, ${ready} Ready`}${failure === undefined ? "" : `; the newest failure: ${failure}`}`,
    advice:
      "Start fewer nodes, slower (--rate), or give them more time (--timeout); CloudCore's log says whom it refused.",
    details: { nodes, joined, connected },
  });
}

/** A process with hollow nodes has ended. */
export function fleetProcessLost(count: number): SkerryError {
  return new SkerryError({
    code: "SKERRY_FLEET_PROCESS_LOST",
    message: `${count} of the fleet's processes ended by themselves`,
    advice: "Look above for their error; with too little memory start fewer nodes.",
    details: { count },
  });
}

/** Nodes would be left behind by the change of the authority. */
export function nodesLeft(nodes: readonly string[]): SkerryError {
  const shown = nodes.slice(0, 10).join(", ");
  return new SkerryError({
    code: "SKERRY_CA_NODES_LEFT",
    message: `${nodes.length} nodes have no certificate of the new authority: ${shown}${nodes.length > 10 ? ", …" : ""}`,
    advice: "Wait until they have been connected, or use --force: each of them then needs a join token.",
    details: { nodes: [...nodes] },
  });
}

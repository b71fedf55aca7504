import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { isNodeName } from "@skerry/pki";
import { cloudElsewhere, usageError } from "../../errors.ts";
import { loadSettings, type Settings } from "../../settings.ts";
import { prepareHome, skerryHome } from "../../skerry-home.ts";
import { liveHolder } from "../../supervisor/home-lock.ts";
import { unitOf } from "../../systemd/service-manager.ts";
import { print } from "../../terminal.ts";
import { EXIT_OK } from "../command.ts";
import { runSupervisor } from "../run-supervisor.ts";
import { checkInit, requireNoErrors } from "./preflight.ts";

/** Flags of KubeEdge that Skerry has no use for. */
const MEANINGLESS = ["kubeedge-version", "image-repository", "manifests", "profile", "external-helm-root"] as const;

/** What the flags of `keadm init` say. */
export interface InitFlags {
  readonly advertise: readonly string[];
  readonly kubeConfig: string | undefined;
  readonly systemd: boolean;
  readonly dryRun: boolean;
  readonly skipsPreflight: boolean;
  readonly meaningless: readonly string[];
}

/**
 * `keadm init`: starts the cloud side here, in the background. Run again while it runs, it changes nothing. Throws
 * SKERRY_USAGE, SKERRY_CLOUD_ELSEWHERE, SKERRY_PREFLIGHT and what `runSupervisor` throws.
 */
export async function init(parameters: readonly string[]): Promise<number> {
  const flags = initFlags(parameters);
  for (const flag of flags.meaningless) process.stderr.write(`--${flag} has no meaning for Skerry and is ignored.\n`);
  const home = skerryHome();
  const before = loadSettings(home);
  if (before.cloud) throw cloudElsewhere(before.cloud.cloudHub);
  const settings = cloudSettings(before, flags);
  if (flags.dryRun) {
    print(JSON.stringify(settings, null, 2));
    if (flags.systemd) {
      const { name, text } = unitOf(home, settings);
      print(`\n# /etc/systemd/system/${name}`);
      process.stdout.write(text);
    }
    return EXIT_OK;
  }
  if (liveHolder(home)) {
    print("The cloud runs here already; nothing was changed. `skerry down` stops it, `keadm init` starts it anew.");
    return EXIT_OK;
  }
  if (!flags.skipsPreflight) requireNoErrors(await checkInit(settings));
  prepareHome(home);
  return runSupervisor(home, settings, flags.systemd ? "systemd" : "detached");
}

/** The settings of a machine that has the cloud side and no node. */
export function cloudSettings(before: Settings, flags: InitFlags): Settings {
  const [first, ...others] = flags.advertise;
  return {
    ...before,
    node: undefined,
    examples: false,
    advertiseAddress: first ?? before.advertiseAddress,
    certificateNames: first === undefined ? before.certificateNames : others,
    kubeConfig: flags.kubeConfig ?? before.kubeConfig,
  };
}

/** Throws SKERRY_USAGE. */
export function initFlags(parameters: readonly string[]): InitFlags {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      "advertise-address": text,
      "kube-config": text,
      systemd: flag,
      "dry-run": { ...flag, short: "d" },
      force: flag,
      "skip-preflight-checks": flag,
      set: { ...text, multiple: true },
      files: { ...text, short: "f" },
      ...Object.fromEntries(MEANINGLESS.map((name) => [name, text])),
    },
  });
  const advertise = (values["advertise-address"] ?? "").split(",").filter((address) => address !== "");
  for (const address of advertise)
    if (isIP(address) === 0 && !isNodeName(address))
      throw usageError(`--advertise-address needs addresses and host names, not ${JSON.stringify(address)}`);
  const file = values["kube-config"];
  if (file !== undefined && !existsSync(file))
    throw usageError(`There is no file ${JSON.stringify(file)} (--kube-config)`);
  const ignored = [...MEANINGLESS, "set", "files"].filter((name) => name in values);
  return {
    advertise,
    kubeConfig: file === undefined ? undefined : resolve(file),
    systemd: values.systemd ?? false,
    dryRun: values["dry-run"] ?? false,
    skipsPreflight: (values.force ?? false) || (values["skip-preflight-checks"] ?? false),
    meaningless: ignored,
  };
}

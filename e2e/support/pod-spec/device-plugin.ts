import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../installation.ts";
import { once, script } from "./pod-spec-case.ts";

export const DEVICE_RESOURCE = "example.com/serial";
const PROGRAM = join(root, "packages/edgecore/src/edged/platform/testing/device-plugin-process.ts");

/** A device plugin that runs. */
export interface RunningPlugin extends Disposable {
  end(): void;
  /** What it has said. */
  output(): string;
}

/** Starts a device plugin that offers the files as devices to the node with this folder. */
export function devicePlugin(folder: string, resource: string, ...files: readonly string[]): RunningPlugin {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", PROGRAM, folder, resource, ...files],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
    });
  const end = (): void => void child.kill("SIGKILL");
  return { end, output: () => said, [Symbol.dispose]: end };
}

/** Shows the device that its container has. */
export const devicePod: object = once("spec-devices", {
  ...script("echo SERIAL=$SERIAL", "[ -c /dev/serial ] && echo a device", "head -c 3 /dev/serial | wc -c"),
  resources: { limits: { [DEVICE_RESOURCE]: "1" } },
});

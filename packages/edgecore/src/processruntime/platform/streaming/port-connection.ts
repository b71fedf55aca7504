import { connect as connectSocket } from "node:net";
import type { PodPorts } from "../pod-ports.ts";
import type { PortConnection } from "./port-forward-session.ts";

const LONGEST_REASON = 1_000;

/** Connects to a port in a pod's own network. */
export function podConnection(ports: PodPorts, port: number): PortConnection {
  const child = ports.connect(port, "pipe");
  child.on("error", () => undefined); // Without streams nobody waits for it below.
  let reason = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    reason = (reason + chunk.toString("utf8")).slice(-LONGEST_REASON);
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error("the way into the pod has no streams");
  for (const stream of [stdin, stdout]) stream.on("error", () => undefined);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => resolve(code === 0 || code === null ? undefined : notReached(port, reason)));
  });
  return { input: stdin, output: stdout, ended, destroy: () => void child.kill("SIGKILL") };
}

/** Connects to a port of a pod that is on the machine's network. */
export function machineConnection(port: number): PortConnection {
  const socket = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
  let reason: string | undefined;
  socket.on("error", (error) => {
    reason = notReached(port, error.message);
  });
  const ended = new Promise<string | undefined>((resolve) => socket.once("close", () => resolve(reason)));
  return { input: socket, output: socket, ended, destroy: () => void socket.destroy() };
}

function notReached(port: number, reason: string): string {
  return `failed to connect to localhost:${port} inside the pod: ${reason.trim() || "the connection ended"}`;
}

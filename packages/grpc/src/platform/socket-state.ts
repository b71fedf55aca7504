import { connect } from "node:net";

/** Whether a process listens on a unix socket; `dead`: the socket was left behind; `none`: there is no such socket. */
export function socketState(socketPath: string): Promise<"served" | "dead" | "none"> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve("served");
    });
    probe.once("error", ({ code }: NodeJS.ErrnoException) => {
      // Its queue of connections is full.
      if (code === "EAGAIN") resolve("served");
      else resolve(code === "ECONNREFUSED" ? "dead" : "none");
    });
  });
}

/** TCP's state LISTEN, as /proc/net/tcp writes it. */
const LISTEN = "0A";
const ANY_ADDRESS = /^0+$/;

/**
 * The TCP ports that processes listen on, on all addresses of their network: one that is listened on for loopback only is
 * the pod's own business.
 * @param table what /proc/PID/net/tcp or tcp6 holds
 */
export function listeningPorts(table: string): number[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      return state === LISTEN && ANY_ADDRESS.test(address) ? [Number.parseInt(port, 16)] : [];
    });
}

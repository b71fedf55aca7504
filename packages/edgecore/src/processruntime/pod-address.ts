/** The first and last second number of pods' addresses: 127.64.x.y to 127.126.x.y. */
const FIRST = 64;
const COUNT = 63;

/**
 * A free address for a pod: a loopback address of the machine, all of which lead to itself. Each node takes a range of its
 * own, so that several on one machine do not meet.
 * @param range any number that is the node's own
 * @param used addresses that other pods of the node have
 */
export function freePodAddress(range: number, used: ReadonlySet<string>): string {
  const second = FIRST + (Math.abs(Math.trunc(range)) % COUNT);
  for (let number = 2; number < 65_534; number++) {
    const address = `127.${second}.${number >> 8}.${number & 255}`;
    if ((number & 255) !== 0 && (number & 255) !== 255 && !used.has(address)) return address;
  }
  return `127.${second}.255.254`;
}

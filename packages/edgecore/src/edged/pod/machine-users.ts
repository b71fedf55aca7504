import { usersUnusable } from "../errors.ts";
import type { FileSystem } from "../ports.ts";

/** How many users and groups a pod with a user namespace has: those that programs expect. */
export const USERS_OF_POD: number = 65_536;
/** Whose subordinate users are those of pods; the name is the kubelet's. */
const OWNER = "kubelet";
const LIMIT_BYTES = 1024 * 1024;
/** User ids have 32 bits; the first and the last range are not for pods, since 2^32 - 1 means nobody. */
const MOST_PODS = 2 ** 32 / USERS_OF_POD - 2;

/** Users, and groups of the same numbers, of the machine. */
export interface MachineUsers {
  readonly first: number;
  /** For how many pods they are enough. */
  readonly count: number;
}

/**
 * The users of the machine that are for pods: those that /etc/subuid and /etc/subgid give to `kubelet`, by the rules that the
 * kubelet has for them; without such lines all after the first 65,536, which are the machine's own.
 * @throws `EDGED_USERS_UNUSABLE`
 */
export async function usersForPods(files: Pick<FileSystem, "readFile">, maxPods: number): Promise<MachineUsers> {
  const [users, groups] = await Promise.all(["/etc/subuid", "/etc/subgid"].map((path) => linesFor(files, path)));
  if (users?.length === 0 && groups?.length === 0) return { first: USERS_OF_POD, count: Math.min(maxPods, MOST_PODS) };
  if (users?.length !== 1 || groups?.length !== 1 || users[0] !== groups[0])
    throw usersUnusable(OWNER, "there has to be one line in each, with the same numbers");
  const [, first = "", length = ""] = /^(\d+):(\d+)$/.exec(users[0] ?? "") ?? [];
  const [firstUser, userCount] = [Number(first), Number(length)];
  const isWhole = (amount: number): boolean => amount >= USERS_OF_POD && amount % USERS_OF_POD === 0;
  if (!isWhole(firstUser) || !isWhole(userCount) || firstUser + userCount > 2 ** 32)
    throw usersUnusable(OWNER, `both numbers have to be multiples of ${USERS_OF_POD}, and the users below 2^32`);
  return { first: firstUser, count: Math.min(maxPods, userCount / USERS_OF_POD) };
}

/** What follows the owner's name in each of its lines. */
async function linesFor(files: Pick<FileSystem, "readFile">, path: string): Promise<string[]> {
  const bytes = await files.readFile(path, LIMIT_BYTES);
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith(`${OWNER}:`))
    .map((line) => line.slice(OWNER.length + 1));
}

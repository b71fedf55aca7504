import type { ProcessIdentity } from "./container-command.ts";

/** What the pod says of a container's user. */
export interface WantedUser {
  readonly userId: number | undefined;
  readonly userName: string;
  readonly groupId: number | undefined;
}

/**
 * Who a container's process is: what the pod says, else what the image says.
 * @param imageUser `1000`, `nginx`, `1000:1000`, or empty
 * @param users the image's /etc/passwd
 * @param groups the image's /etc/group
 * @returns undefined when the image has no user of that name
 */
export function processIdentity(
  wanted: WantedUser,
  imageUser: string,
  users: string,
  groups: string,
): ProcessIdentity | undefined {
  const [name = "", group] = (wanted.userName || imageUser).split(":");
  const entry = wanted.userId === undefined ? userEntry(name, users) : userEntry(String(wanted.userId), users);
  const userId = wanted.userId ?? entry?.userId;
  if (userId === undefined) return undefined;
  const named = wanted.userId === undefined && group !== undefined ? groupIdOf(group, groups) : undefined;
  return { userId, groupId: wanted.groupId ?? named ?? entry?.groupId ?? 0 };
}

function userEntry(name: string, users: string): ProcessIdentity | undefined {
  if (name === "") return { userId: 0, groupId: 0 };
  const isNumber = /^\d+$/.test(name);
  for (const line of users.split("\n")) {
    const [user, , id = "", group = ""] = line.split(":");
    if (isNumber ? id === name : user === name) return { userId: Number(id), groupId: Number(group) };
  }
  return isNumber ? { userId: Number(name), groupId: 0 } : undefined;
}

function groupIdOf(name: string, groups: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const line = groups.split("\n").find((each) => each.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

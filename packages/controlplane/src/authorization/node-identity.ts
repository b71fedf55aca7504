import { NODES_GROUP } from "@skerry/pki";
import type { UserInfo } from "../registry/request-context.ts";

const NODE_USER = /^system:node:(.*)$/s;

/**
 * The node that a user is, as Kubernetes tells nodes from others; undefined for everybody else, empty for a user of the
 * nodes' group whose name names none.
 */
export function nodeNameOf({ username, groups }: UserInfo): string | undefined {
  return groups.includes(NODES_GROUP) ? NODE_USER.exec(username)?.[1] : undefined;
}

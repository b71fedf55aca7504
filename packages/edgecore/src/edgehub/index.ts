export * from "./cloud-link.ts";
export type { DownstreamTarget } from "./downstream-target.ts";
export { EdgeHub, type EdgeHubOptions, type EdgeHubPorts } from "./edge-hub.ts";
export { linkDisconnected, linkTimeout } from "./errors.ts";
export type { SessionPolicy } from "./link-session.ts";

export { CriRuntime } from "./cri-runtime.ts";
export { linuxHost } from "./linux-host.ts";
export { linuxMounts } from "./linux-mounts.ts";
export { nodeFileSystem } from "./node-file-system.ts";
export { NodeKeySeal } from "./node-key-seal.ts";
export { nodeNetworkCheck } from "./node-network-check.ts";
export { parseManifest } from "./parse-manifest.ts";
export { PodControlGroups } from "./pod-control-groups.ts";

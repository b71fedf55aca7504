export { type EdgedConfig, edgedConfig } from "./config.ts";
export { isImageReference } from "./container/image-reference.ts";
export { registryCredentials } from "./container/pull-credentials.ts";
export { Edged } from "./edged.ts";
export { edgedTables } from "./edged-tables.ts";
export { OwnPod } from "./own-pod.ts";
export * from "./ports.ts";
export type { EdgedPorts } from "./services.ts";

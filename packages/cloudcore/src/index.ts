export * from "./cloud-controllers.ts";
export * from "./cloudhub/index.ts";
export { lastHeardMs } from "./last-heard.ts";
export * from "./replicas/index.ts";
export * from "./telemetry/index.ts";

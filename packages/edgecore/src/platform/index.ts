export { type OpenedConfigFile, openConfigFile } from "../configupdates/platform/open-config-file.ts";
export { CredentialFiles, type CredentialPaths } from "../enrolment/platform/credential-files.ts";
export { httpsEnrolmentClient } from "../enrolment/platform/https-client.ts";
export { MqttJsConnector } from "../eventbus/platform/index.ts";
export * from "./process-runtime.ts";
export * from "./remove-service-rules.ts";
export * from "./runtime-status.ts";
export * from "./start-edge-core.ts";

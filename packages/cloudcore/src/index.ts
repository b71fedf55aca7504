export * from "./cloudhub/index.ts";

export * from "./apiserver/api-server.ts";
export type { TokenSigner } from "./authentication/token-signer.ts";
export { storeMigrations } from "./registry/store-session.ts";

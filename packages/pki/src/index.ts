export * from "./errors.ts";
export * from "./join-token.ts";
export * from "./node-identity.ts";
export * from "./pem.ts";
export * from "./pki.ts";

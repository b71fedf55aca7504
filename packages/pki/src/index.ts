export * from "./errors.ts";
export * from "./join-token.ts";
export * from "./node-identity.ts";
export * from "./pem.ts";
export * from "./pki.ts";
export * from "./skerry-token.ts";
export { equalInConstantTime } from "./token-segments.ts";

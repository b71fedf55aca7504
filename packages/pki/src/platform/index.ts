export * from "./system-pki.ts";

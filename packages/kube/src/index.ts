export * from "./api-error.ts";
export * from "./kubernetes-api.ts";

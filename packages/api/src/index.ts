export * from "./kubeedge/index.ts";
export * from "./kubernetes/core.ts";
export * from "./kubernetes/meta.ts";
export * from "./kubernetes/resources.ts";

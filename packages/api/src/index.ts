export * from "./componentconfig/cloudcore-config.ts";
export * from "./componentconfig/cloudcore-config-text.ts";
export * from "./componentconfig/config-section.ts";
export * from "./kubeedge/index.ts";
export * from "./kubernetes/core.ts";
export * from "./kubernetes/meta.ts";
export * from "./kubernetes/resources.ts";

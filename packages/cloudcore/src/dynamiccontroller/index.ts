export * from "./dynamic-controller.ts";

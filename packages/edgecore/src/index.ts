export * from "./edgehub/index.ts";
export * from "./metamanager/index.ts";

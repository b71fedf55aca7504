export * from "./start-hollow-node.ts";

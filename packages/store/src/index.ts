export * from "./database.ts";
export * from "./errors.ts";
export * from "./group-commit.ts";
export * from "./migrate.ts";
export * from "./open-settled.ts";

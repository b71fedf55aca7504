#!/usr/bin/env node
// `npx skerry` in a clone: hands over to the workspace's launcher, which finds the right Node.js.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
process.argv.splice(1, 1, join(root, "tools", "with-node.mjs"), join(root, "packages", "skerry", "src", "main.ts"));
await import("../../../tools/with-node.mjs");

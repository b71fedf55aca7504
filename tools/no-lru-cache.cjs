// Instead of the package `lru-cache` in the shipped bundles: `mqtt` has it for MQTT 5's topic aliases, and Skerry speaks
// MQTT 3.1.1.
exports.LRUCache = class {
  constructor() {
    throw new Error("MQTT 5's topic aliases are left out of this program");
  }
};

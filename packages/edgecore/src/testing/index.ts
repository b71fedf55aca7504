export * from "../edged/testing/fake-container-events.ts";
export * from "../edged/testing/fake-container-runtime.ts";
export * from "../edged/testing/fake-machine.ts";
export * from "../edged/testing/seal-of-key.ts";
export * from "../eventbus/testing/memory-broker.ts";

export * from "../edged/testing/fake-container-runtime.ts";
export * from "../edged/testing/fake-machine.ts";

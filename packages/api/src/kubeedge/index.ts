export * from "./conversion/older-device-forms.ts";
export * from "./conversion/v1alpha2-devices.ts";
export * from "./crds/index.ts";
export * from "./device.ts";
export * from "./device-messages.ts";
export * from "./object-sync.ts";
export * from "./rule.ts";
export * from "./validation/device-validation.ts";

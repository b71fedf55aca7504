export type { LocalPod } from "./local-services.ts";
export { ServiceEntry, type ServiceEntryPorts, type ServicePods } from "./service-entry.ts";

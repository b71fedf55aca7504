export type { LocalHttpServer, LoopbackHttpClient } from "./http-ports.ts";
export { ServiceBus, type ServiceBusPorts } from "./service-bus.ts";

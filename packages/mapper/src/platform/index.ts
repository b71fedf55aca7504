export { loadDriver } from "./load-driver.ts";
export { NetworkPushTransport } from "./push-transport.ts";

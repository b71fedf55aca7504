export { type LoadedDriver, loadDriver, loadDriverFiles } from "./load-driver.ts";
export { NetworkPushTransport } from "./push-transport.ts";
export { type RestServerOptions, serveRestApi } from "./serve-rest-api.ts";
export { DriverWatcher, type WatchDriverPorts } from "./watch-driver.ts";

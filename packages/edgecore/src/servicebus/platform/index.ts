export { localHttpServer } from "./local-http-server.ts";
export { loopbackHttpClient } from "./loopback-http-client.ts";

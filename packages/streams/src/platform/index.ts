export * from "./join-socket.ts";
export * from "./node-log-files.ts";
export * from "./port-forward-socket.ts";
export * from "./spdy-server.ts";
export * from "./tunnel-dialer.ts";
export * from "./tunnel-listener.ts";
export * from "./web-socket-translator.ts";

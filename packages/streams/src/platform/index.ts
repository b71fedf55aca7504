export * from "./join-socket.ts";
export * from "./tunnel-dialer.ts";
export * from "./tunnel-listener.ts";

export { compressMessage, expandMessage } from "./message-compression.ts";
export * from "./web-socket-dialer.ts";
export * from "./web-socket-listener.ts";

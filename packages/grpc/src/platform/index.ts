export { unixServerStream } from "./server-stream.ts";
export { TcpGrpcClient } from "./tcp-grpc-client.ts";
export { unixGrpc } from "./unix-grpc.ts";
export { UnixGrpcClient } from "./unix-grpc-client.ts";

import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { TcpGrpcClient } from "@skerry/grpc/platform";
import { healthCheckFailed } from "../errors.ts";
import type { GrpcHealthRequest, GrpcServingStatus } from "../ports.ts";

const METHOD = "/grpc.health.v1.Health/Check";
const UNIMPLEMENTED = 12;
const STATUSES: readonly GrpcServingStatus[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Asks a server how it is (grpc.health.v1). @throws `EDGED_HEALTH_CHECK_FAILED` */
export async function grpcHealth(request: GrpcHealthRequest): Promise<GrpcServingStatus> {
  const { host, port, service, timeoutMs } = request;
  await using client = new TcpGrpcClient(host, port, {
    unavailable: (address) => healthCheckFailed(`${address} does not answer`),
    timeout: () => healthCheckFailed(`no answer within ${timeoutMs} ms`),
    failed: (_method, code, message) =>
      healthCheckFailed(
        code === UNIMPLEMENTED ? "the server does not implement the gRPC health protocol (grpc.health.v1)" : message,
      ),
  });
  const encoded = service === "" ? new Uint8Array() : new BinaryWriter().uint32(10).string(service).finish();
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return readStatus(await client.call({ method: METHOD, request: encoded, timeoutMs, signal }));
  } catch (error) {
    throw signal.aborted ? healthCheckFailed(`no answer within ${timeoutMs} ms`) : error;
  }
}

/** `HealthCheckResponse`: field 1 is the status. */
function readStatus(answer: Uint8Array): GrpcServingStatus {
  const reader = new BinaryReader(answer);
  let status = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 8) status = reader.int32();
    else reader.skip(tag & 7);
  }
  return STATUSES[status] ?? "UNKNOWN";
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { grpcHealth } from "./grpc-health.ts";
import { type Answer, answer, FakeGrpcServer, refuse } from "./testing/fake-grpc-server.ts";

const ask = (port: number, service = "", timeoutMs = 20_000): ReturnType<typeof grpcHealth> =>
  grpcHealth({ host: "127.0.0.1", port, service, timeoutMs });
const isFailure = (error: unknown): boolean => isSkerryError(error, "EDGED_HEALTH_CHECK_FAILED");

test("a gRPC server's health is what it says of the service that it is asked for", async () => {
  const asked: Uint8Array[] = [];
  let status = Uint8Array.of(8, 1);
  const check: Answer = (stream, request, headers) => {
    asked.push(request);
    answer(status)(stream, request, headers);
  };
  await using server = await FakeGrpcServer.listen({ Check: check }, "port");
  assert.equal(await ask(server.port, "pump"), "SERVING");
  status = Uint8Array.of(8, 2);
  assert.equal(await ask(server.port), "NOT_SERVING");
  status = new Uint8Array();
  assert.equal(await ask(server.port), "UNKNOWN");
  assert.deepEqual(
    asked.map((request) => Buffer.from(request).toString("latin1")),
    ["\n\x04pump", "", ""],
  );
});

test("a gRPC server without the health protocol, and one that does not answer, are failures that say so", async () => {
  await using server = await FakeGrpcServer.listen({}, "port");
  await assert.rejects(ask(server.port), /does not implement the gRPC health protocol/);
  await using unwilling = await FakeGrpcServer.listen({ Check: refuse(5, "no such service") }, "port");
  await assert.rejects(ask(unwilling.port, "x"), (error) => isFailure(error) && /no such service/.test(String(error)));
  await using silent = await FakeGrpcServer.listen({ Check: () => undefined }, "port");
  await assert.rejects(ask(silent.port, "", 50), (error) => isFailure(error) && /within 50 ms/.test(String(error)));
  await assert.rejects(ask(1), isFailure);
});

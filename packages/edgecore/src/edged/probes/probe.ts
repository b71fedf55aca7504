import type { Container } from "@skerry/api";
import { describeError, type JsonObject } from "@skerry/base";
import { notSupported } from "../errors.ts";
import { numberAt, objectAt, stringAt, stringsAt } from "../json-access.ts";
import type { ContainerRuntime, NetworkCheck } from "../ports.ts";
import { httpCheck, portNumber } from "./http-check.ts";

export type ProbeKind = "startup" | "liveness" | "readiness";

/** How often and how patiently a container is asked. */
export interface ProbeSettings {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** The settings of a probe with Kubernetes' defaults. */
export function probeSettings(probe: JsonObject): ProbeSettings {
  return {
    initialDelayMs: (numberAt(probe, "initialDelaySeconds") ?? 0) * 1000,
    periodMs: (numberAt(probe, "periodSeconds") || 10) * 1000,
    timeoutMs: (numberAt(probe, "timeoutSeconds") || 1) * 1000,
    successThreshold: numberAt(probe, "successThreshold") || 1,
    failureThreshold: numberAt(probe, "failureThreshold") || 3,
  };
}

/** What one try found. */
export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Asks once. Failing to ask is a failed try. */
export async function runProbe(
  probe: JsonObject,
  container: Container,
  containerId: string,
  podAddress: string,
  runtime: ContainerRuntime,
  network: NetworkCheck,
): Promise<ProbeResult> {
  const { timeoutMs } = probeSettings(probe);
  try {
    const exec = objectAt(probe, "exec");
    if (exec) {
      const result = await runtime.exec(containerId, stringsAt(exec, "command"), timeoutMs / 1000);
      return result.exitCode === 0
        ? { ok: true }
        : { ok: false, message: result.output || `exit code ${result.exitCode}` };
    }
    const httpGet = objectAt(probe, "httpGet");
    if (httpGet) {
      const status = await network.httpStatus(httpCheck(httpGet, container, podAddress, timeoutMs));
      return status >= 200 && status < 400
        ? { ok: true }
        : { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
    }
    const tcpSocket = objectAt(probe, "tcpSocket");
    if (tcpSocket) {
      await network.tcpConnect(
        stringAt(tcpSocket, "host") || podAddress,
        portNumber(tcpSocket["port"], container),
        timeoutMs,
      );
      return { ok: true };
    }
    const grpc = objectAt(probe, "grpc");
    if (grpc) {
      const service = stringAt(grpc, "service") ?? "";
      const status = await network.grpcHealth({
        host: podAddress,
        port: portNumber(grpc["port"], container),
        service,
        timeoutMs,
      });
      return status === "SERVING"
        ? { ok: true }
        : { ok: false, message: `service unhealthy (responded with "${status}")` };
    }
    throw notSupported("this probe", "it names none of exec, httpGet, tcpSocket and grpc");
  } catch (error) {
    return { ok: false, message: describeError(error) };
  }
}

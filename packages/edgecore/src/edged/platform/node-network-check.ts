import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { NetworkCheck, ProbeHttpRequest } from "../ports.ts";

/** The {@link NetworkCheck} port over the machine's network. */
export const nodeNetworkCheck: NetworkCheck = {
  httpStatus(check: ProbeHttpRequest): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = {};
      for (const { name, value } of check.headers) headers[name] = value;
      const options = {
        host: check.host,
        port: check.port,
        path: check.path.startsWith("/") ? check.path : `/${check.path}`,
        method: "GET",
        headers,
        agent: false,
      } as const;
      // Probes do not verify certificates: they ask whether the container answers, not who it is (as the kubelet).
      const request =
        check.scheme === "HTTPS" ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${check.timeoutMs} ms`)),
        check.timeoutMs,
      );
      request.on("response", (response) => {
        clearTimeout(timer);
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end();
    });
  },
  tcpConnect(host: string, port: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
      socket.on("connect", () => {
        resolve();
        socket.destroy();
      });
      socket.on("error", reject);
      socket.on("close", () => clearTimeout(timer));
    });
  },
  // Loaded only by nodes that have such a probe.
  grpcHealth: async (request) => (await import("./grpc-health.ts")).grpcHealth(request),
};

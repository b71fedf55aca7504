import type { Container } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { invalidPod } from "../errors.ts";
import { listAt, stringAt } from "../json-access.ts";
import type { ProbeHttpRequest } from "../ports.ts";

/** The request of an `httpGet` handler. @throws `EDGED_INVALID_POD` */
export function httpCheck(
  httpGet: JsonObject,
  container: Container,
  podAddress: string,
  timeoutMs: number,
): ProbeHttpRequest {
  const headers = listAt(httpGet, "httpHeaders")
    .filter(isJsonObject)
    .map((header) => ({ name: stringAt(header, "name") ?? "", value: stringAt(header, "value") ?? "" }));
  return {
    scheme: stringAt(httpGet, "scheme") === "HTTPS" ? "HTTPS" : "HTTP",
    host: stringAt(httpGet, "host") || podAddress,
    port: portNumber(httpGet["port"], container),
    path: stringAt(httpGet, "path") ?? "/",
    headers: [{ name: "User-Agent", value: "kube-probe/1.32" }, ...headers],
    timeoutMs,
  };
}

/** A port by number or by the name of one of the container's ports. @throws `EDGED_INVALID_POD` */
export function portNumber(port: JsonValue | undefined, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw invalidPod(`container ${container.name}`, `there is no port ${String(port)}`);
  return number;
}

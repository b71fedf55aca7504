import { isJsonObject, type JsonValue } from "@skerry/base";
import { connectRequestInvalid } from "./errors.ts";
import { type FrameType, frameTypes } from "./frame.ts";

/** What a stream is for. */
export type StreamKind = "logs" | "exec" | "attach" | "metrics" | "port-forward";

/** The kubelet's HTTP request that a stream stands for (security.md 11.4, "Connect JSON"). */
export interface ConnectRequest {
  readonly kind: StreamKind;
  readonly method: string;
  /** Path at the kubelet, e.g. `/containerLogs/default/web/app`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Header names as they came. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

const TYPE_OF_KIND: Readonly<Record<StreamKind, FrameType>> = {
  logs: frameTypes.logsConnect,
  exec: frameTypes.execConnect,
  metrics: frameTypes.metricConnect,
  attach: frameTypes.attachConnect,
  "port-forward": frameTypes.portForwardConnect,
};

/** Where KubeEdge's edge has its kubelet; its cloud always names it. */
const KUBELET_HOST = "127.0.0.1:10350";
const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_HEADERS = 100;

/** The frame type that opens a stream of this kind. */
export function connectFrameType(kind: StreamKind): FrameType {
  return TYPE_OF_KIND[kind];
}

/** The kind that a frame type opens; undefined for types that open none Skerry serves. */
export function connectKind(type: FrameType): StreamKind | undefined {
  for (const [kind, candidate] of Object.entries(TYPE_OF_KIND)) if (candidate === type) return kind as StreamKind;
  return undefined;
}

/** The payload of the frame that opens stream `streamId`, as KubeEdge writes it. */
export function encodeConnectRequest(streamId: number, request: ConnectRequest): Uint8Array {
  const isPlainGet = request.kind === "logs" || request.kind === "metrics";
  const content = {
    MessID: streamId,
    url: {
      Scheme: "http",
      Opaque: "",
      User: null,
      Host: KUBELET_HOST,
      Path: request.path,
      Fragment: "",
      RawQuery: request.query,
      RawPath: "",
      RawFragment: "",
      ForceQuery: false,
      OmitHost: false,
    },
    header: request.headers,
    ...(isPlainGet ? {} : { method: request.method }),
  };
  // Go's JSON writer escapes these three characters; recordings have them so.
  const text = JSON.stringify(content).replace(
    /[&<>]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return new TextEncoder().encode(text);
}

/**
 * Reads what a KubeEdge or Skerry cloud sent to open a stream.
 * @throws SkerryError `STREAMS_REQUEST_INVALID`
 */
export function decodeConnectRequest(kind: StreamKind, data: Uint8Array): ConnectRequest {
  if (data.length > MAX_REQUEST_BYTES) throw connectRequestInvalid(`it has ${data.length} bytes`);
  const content = parse(data);
  const url = isJsonObject(content) ? content["url"] : undefined;
  if (!isJsonObject(content) || !isJsonObject(url)) throw connectRequestInvalid("it has no url");
  return {
    kind,
    method: textOf(content["method"], "GET"),
    path: textOf(url["Path"], ""),
    query: textOf(url["RawQuery"], ""),
    headers: headersOf(content["header"]),
  };
}

function parse(data: Uint8Array): JsonValue {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)) as JsonValue;
  } catch {
    throw connectRequestInvalid("it is no JSON");
  }
}

function textOf(value: JsonValue | undefined, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}

function headersOf(value: JsonValue | undefined): Record<string, readonly string[]> {
  if (!isJsonObject(value)) return {};
  const entries = Object.entries(value);
  if (entries.length > MAX_HEADERS) throw connectRequestInvalid(`it has ${entries.length} headers`);
  return Object.fromEntries(
    entries.map(([name, values]) => [
      name,
      Array.isArray(values) ? values.filter((each): each is string => typeof each === "string") : [],
    ]),
  );
}

import type { PushMethod } from "@skerry/dmi";

/** Where a property's values go besides EdgeCore (devices.md 2.3); databases are EdgeCore's telemetry, not a mapper's. */
export type PushTarget =
  | {
      readonly kind: "mqtt";
      /** A broker's URL: `tcp://127.0.0.1:1883`. */
      readonly address: string;
      readonly topic: string;
      readonly qos: 0 | 1 | 2;
      readonly retained: boolean;
    }
  | { readonly kind: "http"; readonly url: string; readonly timeoutMs: number };

/** A value on its way to a target. */
export interface PushSample {
  readonly namespace: string;
  readonly deviceName: string;
  readonly property: string;
  readonly text: string;
  readonly type: string;
  /** Wall clock. */
  readonly timestampMs: number;
}

/** Brings values to targets; one serves all devices of a mapper. */
export interface PushTransport extends AsyncDisposable {
  /** Resolved means that the target has taken it. @throws `MAPPER_PUSH_FAILED` */
  push(target: PushTarget, sample: PushSample): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The targets that a Device names and that a mapper serves: MQTT and HTTP. */
export function pushTargetsOf(push: PushMethod | undefined): PushTarget[] {
  const targets: PushTarget[] = [];
  if (push?.mqtt && push.mqtt.address !== "" && push.mqtt.topic !== "") {
    const { address, topic, qos, retained } = push.mqtt;
    targets.push({ kind: "mqtt", address, topic, qos: qos === 1 || qos === 2 ? qos : 0, retained });
  }
  if (push?.http && push.http.hostname !== "") {
    const { hostname, port, requestpath, timeout } = push.http;
    const path = requestpath === "" || requestpath.startsWith("/") ? requestpath : `/${requestpath}`;
    const url = `${hostname.includes("://") ? hostname : `http://${hostname}`}${port > 0 ? `:${port}` : ""}${path}`;
    targets.push({ kind: "http", url, timeoutMs: timeout > 0 ? timeout : DEFAULT_TIMEOUT_MS });
  }
  return targets;
}

/** Names of the ways to push that a Device asks for and that a mapper does not serve. */
export function unservedPushMethods(push: PushMethod | undefined): string[] {
  return [
    ...(push?.dbMethod ? ["dbMethod"] : []),
    ...(push?.otel ? ["otel"] : []),
    ...(push?.anomalyDetection ? ["anomalyDetection"] : []),
  ];
}

/**
 * A value as KubeEdge's mappers push it over MQTT (devices.md 8.5). The time is UTC; KubeEdge's is the local one of its
 * container, which is UTC too unless somebody changed it.
 */
export function mqttPayload({ topic }: { readonly topic: string }, sample: PushSample): string {
  return `time is ${timeText(sample.timestampMs)}  ${topic}: ${sample.text}`;
}

/** A value as KubeEdge's mappers push it over HTTP, but escaped as the content type says. */
export function httpForm(sample: PushSample): string {
  return new URLSearchParams([
    [sample.property, sample.text],
    ["time", timeText(sample.timestampMs)],
  ]).toString();
}

function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace("T", " ");
}

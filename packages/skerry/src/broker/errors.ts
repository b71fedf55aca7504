import { SkerryError } from "@skerry/base";

/** The broker cannot listen there. */
export function brokerPortUnusable(host: string, port: number, cause: unknown): SkerryError {
  return new SkerryError({
    code: "SKERRY_BROKER_PORT_UNUSABLE",
    message: `The MQTT broker cannot listen on ${host}:${port}: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "Stop what uses the port, or choose another one with --port.",
    details: { host, port },
    cause,
  });
}

/** A message is too large for the broker. */
export function brokerPayloadTooLarge(topic: string, sizeBytes: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "SKERRY_BROKER_PAYLOAD_TOO_LARGE",
    message: `A message on ${topic} has ${sizeBytes} bytes, the limit is ${limitBytes}`,
    advice: "Send smaller messages.",
    details: { topic, sizeBytes, limitBytes },
  });
}

/** A client announces a packet that the broker would have to collect first. */
export function brokerPacketTooLarge(limitBytes: number): SkerryError {
  return new SkerryError({
    code: "SKERRY_BROKER_PACKET_TOO_LARGE",
    message: `A client announces an MQTT packet of more than ${limitBytes} bytes`,
    advice: "Send smaller messages.",
    details: { limitBytes },
  });
}

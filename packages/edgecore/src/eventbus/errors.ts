import { SkerryError } from "@skerry/base";

/** The MQTT broker cannot be reached, or refuses. */
export function brokerUnreachable(broker: string, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "EVENTBUS_BROKER_UNREACHABLE",
    message: `the MQTT broker ${broker} cannot be used: ${reason}`,
    advice: "Start the broker, or correct modules.eventBus.mqttServerExternal in edgecore.yaml.",
    details: { broker },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The broker's address in the configuration is wrong. */
export function brokerAddressInvalid(address: string): SkerryError {
  return new SkerryError({
    code: "EVENTBUS_BROKER_ADDRESS_INVALID",
    message: `the MQTT broker's address ${JSON.stringify(address)} is not understood`,
    advice: "Write it as tcp://host:1883, or ssl://host:8883 with eventBusTLS.",
    details: { address },
  });
}

/** The broker took the connection but not a subscription. */
export function subscriptionRefused(broker: string, topics: readonly string[]): SkerryError {
  return new SkerryError({
    code: "EVENTBUS_SUBSCRIPTION_REFUSED",
    message: `the MQTT broker ${broker} refuses the subscription to ${topics.join(", ")}`,
    advice: "Allow EdgeCore's user these topics in the broker's access list.",
    details: { broker, topics: [...topics] },
  });
}

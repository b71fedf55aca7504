import type { ConfigSection } from "./config-section.ts";

/** The node's MQTT broker. */
export interface EventBusSection {
  readonly enabled: boolean;
  /** `tcp://host:port` or `ssl://host:port`. */
  readonly server: string;
  /** Empty: names made from the node's. */
  readonly subscriberId: string;
  readonly publisherId: string;
  readonly username: string;
  readonly password: string;
  /** Files for a broker that wants TLS. */
  readonly tls?: { readonly authorityFile: string; readonly certificateFile: string; readonly privateKeyFile: string };
}

/** KubeEdge's `modules.eventBus`. */
export function readEventBus(bus: ConfigSection): EventBusSection {
  const enabled = bus.flag("enable", true);
  const mode = bus.integer("mqttMode", 2, { minimum: 0, maximum: 2 });
  if (mode < 2) bus.warn("mqttMode", "EdgeCore runs no broker itself; one has to listen at the address");
  const external = bus.text("mqttServerExternal", "tcp://127.0.0.1:1883");
  const internal = bus.text("mqttServerInternal", "tcp://127.0.0.1:1884");
  const tls = bus.section("eventBusTLS");
  const files = {
    authorityFile: tls.text("tlsMqttCAFile", "/etc/kubeedge/ca/rootCA.crt"),
    certificateFile: tls.text("tlsMqttCertFile", "/etc/kubeedge/certs/server.crt"),
    privateKeyFile: tls.text("tlsMqttPrivateKeyFile", "/etc/kubeedge/certs/server.key"),
  };
  const usesTls = tls.flag("enable", false);
  tls.finish();
  const section: EventBusSection = {
    enabled,
    server: mode === 0 ? internal : external,
    subscriberId: bus.text("mqttSubClientID", ""),
    publisherId: bus.text("mqttPubClientID", ""),
    username: bus.text("mqttUsername", ""),
    password: bus.text("mqttPassword", ""),
    ...(usesTls ? { tls: files } : {}),
  };
  bus.ignore("mqttQOS", "mqttRetain", "mqttSessionQueueSize");
  bus.finish();
  return section;
}

// The part of the `mqtt` package that EdgeCore uses: the client, without WebSocket, proxies and command line, which
// would cost some megabytes of memory. A module of its own, because only named exports of our own modules can be
// imported dynamically from the bundle.
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { IClientOptions, MqttClient } from "mqtt";
import clientModule from "mqtt/lib/client";
import { FilteredConnection, type PacketTaker } from "./filtered-connection.ts";

/** Where the broker is and how it is spoken to; `tls` when the connection is to be encrypted. */
export interface MqttClientOptions extends Omit<IClientOptions, "host" | "port" | "ca" | "cert" | "key"> {
  readonly host: string;
  readonly port: number;
  /** PEM texts; empty for a broker whose certificate one of Node.js's authorities signed. */
  readonly tls?: { readonly ca?: string; readonly certificate?: string; readonly privateKey?: string };
}

/** Opens a connection to a broker. Events of the client tell how it goes; it does not see the packets that `take` takes. */
export function openMqttClient(options: MqttClientOptions, take: PacketTaker): MqttClient {
  const { host, port, tls, ...clientOptions } = options;
  const client = new clientModule.default(
    (owner) => new FilteredConnection(tls ? openTls(owner, host, port, tls) : openTcp(host, port), take),
    // `writeCache` would keep a buffer for each of 65,536 packet numbers: 9 MB.
    { ...clientOptions, writeCache: false },
  );
  client.on("error", () => undefined); // An error without a listener would end the process; others listen too.
  return client;
}

function openTcp(host: string, port: number): Socket {
  return connectTcp({ host, port, noDelay: true }); // Small packets in a row would wait 40 ms for each other.
}

function openTls(owner: MqttClient, host: string, port: number, tls: NonNullable<MqttClientOptions["tls"]>): Socket {
  const socket = connectTls({
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
  });
  socket.setNoDelay(true);
  // The client passes on errors of sockets only, not those of certificates.
  socket.on("error", (error) => owner.emit("error", error));
  return socket;
}

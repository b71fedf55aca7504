import type { MqttConnector } from "@skerry/edgecore";
import type { GrpcTransport } from "@skerry/grpc";
import type { Database } from "@skerry/store";
import { running } from "./altered-database.ts";
import type { Mutant, MutatedEdge } from "./mutant.ts";

/** Bugs on the way of twins: what devices report and what they are told. */
export const TWIN_MUTANTS: readonly Mutant[] = [
  {
    name: "offline-twin-dropped",
    description: "a value that is reported while the link is down is never sent (KubeEdge)",
    mutateDatabase: forgettingOffline,
  },
  {
    name: "older-value-wins",
    description: "while a value waits to be sent, a newer one does not take its place",
    mutateDatabase: keepingUnreported,
  },
  {
    name: "desired-not-published",
    description: "a desired value reaches the node, but not the device's MQTT client (KubeEdge)",
    mutateMqtt: publishingNoDelta,
  },
  {
    name: "driver-told-once",
    description: "a driver gets its devices when it registers, and no change of them",
    mutateDmi: answeringForDriver,
  },
];

const WRITE = "INTO twin_property";

function forgettingOffline(database: Database, edge: MutatedEdge): Database {
  return running(database, WRITE, (transaction, sql, parameters) => {
    const count = transaction.run(sql, ...parameters);
    const [device = "", name = ""] = parameters;
    if (!edge.isCloudReachable())
      transaction.run("UPDATE twin_property SET unreported = 0 WHERE device_id = ? AND name = ?", device, name);
    return count;
  });
}

function keepingUnreported(database: Database): Database {
  return running(database, WRITE, (transaction, sql, parameters) => {
    const [device = "", name = ""] = parameters;
    const waiting = transaction.first(
      "SELECT 1 FROM twin_property WHERE device_id = ? AND name = ? AND unreported = 1 AND actual IS NOT NULL",
      device,
      name,
    );
    return waiting ? 0 : transaction.run(sql, ...parameters);
  });
}

function publishingNoDelta(mqtt: MqttConnector): MqttConnector {
  return {
    broker: mqtt.broker,
    connect: async (topicFilters, handlers, signal) => {
      const session = await mqtt.connect(topicFilters, handlers, signal);
      return {
        publish: async (topic, payload) => {
          if (!topic.endsWith("/delta")) await session.publish(topic, payload);
        },
        publishOnce: (topic, payload) => session.publishOnce(topic, payload),
        subscribe: (topicFilter) => session.subscribe(topicFilter),
        unsubscribe: (topicFilter) => session.unsubscribe(topicFilter),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

function answeringForDriver(transport: GrpcTransport): GrpcTransport {
  return {
    serve: (options) => transport.serve(options),
    isServed: (socketPath) => transport.isServed(socketPath),
    client: (socketPath, errors) => {
      const client = transport.client(socketPath, errors);
      return {
        call: (call) => (call.method.endsWith("/UpdateDevice") ? Promise.resolve(new Uint8Array()) : client.call(call)),
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    },
  };
}

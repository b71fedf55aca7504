import {
  atPointer,
  type Driver,
  type DriverValue,
  defineDriver,
  flag,
  integer,
  text,
  wrapAtPointer,
} from "@skerry/mapper";
import { connectAsync } from "mqtt";
import { Topics } from "./topics.ts";

/** Devices that speak JSON over MQTT, at a broker of their own or the node's. */
const driver: Driver = defineDriver({
  // Not `mqtt`: those Devices speak with EdgeCore themselves, over KubeEdge's topics.
  protocol: "mqtt-json",
  deviceConfig: {
    /** `mqtt://127.0.0.1:1883`, `mqtts://…` */
    url: text("mqtt://127.0.0.1:1883"),
    username: text(""),
    password: text(""),
    clientId: text(""),
  },
  propertyConfig: {
    /** Where the device tells the value. */
    topic: text(),
    /** Where in the message the value is: `/sensors/0/temperature`. Without it the message is the value. */
    pointer: text(""),
    qos: integer(0, 2, 0),
    /** A value that is older counts as none; 0: however old. In milliseconds. */
    maxAge: integer(0, Number.MAX_SAFE_INTEGER, 0),
    /** Where it is told what to do. */
    writeTopic: text(""),
    writePointer: text(""),
    retain: flag(false),
  },
  async open({ url, username, password, clientId }, { signal, clock }) {
    const client = await connectAsync(
      url,
      {
        ...(username !== "" && { username, password }),
        ...(clientId !== "" && { clientId }),
        connectTimeout: 5_000,
        reconnectPeriod: 0, // A broker that is gone takes the device offline; the SDK opens it anew.
      },
      false,
    );
    client.on("error", () => undefined); // What is done next says that the connection is gone.
    if (signal.aborted) await client.endAsync(true);
    signal.throwIfAborted();
    return new Topics(client, clock);
  },
  async read(topics, { config }, { clock }) {
    const heard = await topics.newest(config.topic, config.qos as 0 | 1 | 2);
    if (heard === undefined) return undefined;
    if (config.maxAge > 0 && clock.monotonicMs() - heard.atMs > config.maxAge)
      throw new Error(`nothing was heard on ${config.topic} for ${config.maxAge} ms`);
    return messageValue(heard.text, config.pointer);
  },
  async write(topics, { config }, value) {
    if (config.writeTopic === "") throw new Error("configData.writeTopic is missing, so nothing can be written");
    const json = typeof value === "bigint" ? String(value) : value;
    const payload =
      config.writePointer === "" ? String(value) : JSON.stringify(wrapAtPointer(config.writePointer, json));
    await topics.publish(config.writeTopic, payload, { qos: config.qos as 0 | 1 | 2, retain: config.retain });
  },
  async subscribe(topics, { config }, emit, { signal }) {
    await topics.follow(config.topic, config.qos as 0 | 1 | 2, signal, (message) => {
      try {
        emit(messageValue(message, config.pointer));
      } catch {
        // The next reading tells what is wrong with it.
      }
    });
  },
  close: (topics) => topics.close(),
});
export default driver;

/** @throws when the message has no such value */
function messageValue(message: string, pointer: string): DriverValue {
  if (pointer === "") return message;
  const value = atPointer(JSON.parse(message), pointer);
  if (value === undefined) throw new Error(`the message has nothing at ${pointer}`);
  return value as DriverValue;
}

import { choice, type Driver, defineDriver, flag, integer, optional, text } from "@skerry/mapper";
import { AttributeIds, StatusCodes, VariantArrayType } from "node-opcua-client";
import { Connection } from "./connection.ts";
import { fromVariant, toVariant } from "./values.ts";

/** OPC UA with the keys of KubeEdge's OPC UA mappers. */
const driver: Driver = defineDriver({
  protocol: "opcua",
  deviceConfig: {
    /** `opc.tcp://192.168.56.103:4840` */
    url: text(),
    userName: text(""),
    password: text(""),
    securityPolicy: choice("None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"),
    /** By default None without, SignAndEncrypt with a security policy. */
    securityMode: optional(choice("None", "Sign", "SignAndEncrypt")),
    certificate: text(""),
    privateKey: text(""),
    pki: text("opcua-pki"),
    acceptUnknownServer: flag(false),
    /** How long the server may take to answer, in milliseconds. */
    timeout: integer(1, 9_000, 5_000),
  },
  propertyConfig: {
    /** `ns=2;i=3` */
    nodeID: text(),
    /** How often the server looks for changes, in milliseconds. */
    samplingInterval: integer(1, 3_600_000, 1_000),
  },
  open(config, { deviceId }) {
    const securityMode = config.securityMode ?? (config.securityPolicy === "None" ? "None" : "SignAndEncrypt");
    return Connection.open({ ...config, securityMode }, `skerry ${deviceId}`);
  },
  async read({ session }, { config }, { signal }) {
    const reading = session.read({ nodeId: config.nodeID, attributeId: AttributeIds.Value });
    const { statusCode, value } = await orAborted(reading, signal);
    if (!statusCode.isGood()) throw new Error(`${config.nodeID}: ${statusCode.description}`);
    return fromVariant(value);
  },
  async write({ session, types }, { config }, value, { signal }) {
    const nodeId = config.nodeID;
    let type = types.get(nodeId);
    if (type === undefined) {
      const { statusCode, value: present } = await orAborted(
        session.read({ nodeId, attributeId: AttributeIds.Value }),
        signal,
      );
      if (!statusCode.isGood()) throw new Error(`${nodeId}: ${statusCode.description}`);
      if (present.arrayType !== VariantArrayType.Scalar)
        throw new Error(`${nodeId} is an array, which cannot be written`);
      type = present.dataType;
      types.set(nodeId, type);
    }
    const writing = session.write({
      nodeId,
      attributeId: AttributeIds.Value,
      value: { value: toVariant(type, value) },
    });
    const status = await orAborted(writing, signal);
    if (!status.equals(StatusCodes.Good)) throw new Error(`${nodeId}: ${status.description}`);
  },
  subscribe: (connection, { config }, emit, { signal }) =>
    connection.subscribe(config.nodeID, config.samplingInterval, signal, (value) => emit(fromVariant(value))),
  close: (connection) => connection.close(),
});
export default driver;

/** The library's calls know no signal; what they answer after it is dropped. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

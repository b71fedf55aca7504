import type { JsonObject } from "@skerry/base";
import { deviceModels, deviceStatuses, devices } from "../../kubernetes/resources.ts";
import { type CustomResourceDefinition, definitionOf, type PrinterColumn } from "./custom-resource-definition.ts";
import { flag, freeObject, integer32, integer64, listOf, object, oneOf, root, text, textMap } from "./schema.ts";

const age: PrinterColumn = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };
const visitors: JsonObject = object({ protocolName: text, configData: freeObject });
const twinValue: JsonObject = object({ value: text, metadata: textMap }, "value");

const databaseSinks: JsonObject = object({
  influxdb2: object({
    influxdb2ClientConfig: object({ url: text, org: text, bucket: text }),
    influxdb2DataConfig: object({ measurement: text, tag: textMap, fieldKey: text }),
  }),
  redis: object({
    redisClientConfig: object({
      addr: text,
      db: { type: "integer" },
      poolsize: { type: "integer" },
      minIdleConns: { type: "integer" },
    }),
  }),
  TDEngine: object({ TDEngineClientConfig: object({ addr: text, dbName: text }) }),
  mysql: object({ mysqlClientConfig: object({ addr: text, database: text, userName: text }) }),
});

const pushMethod: JsonObject = object({
  http: object({ hostName: text, port: integer64, requestPath: text, timeout: integer64 }),
  mqtt: object({ address: text, topic: text, qos: integer32, retained: flag }),
  otel: object({ endpointURL: text }),
  dbMethod: databaseSinks,
  anomalyDetection: freeObject,
});

/** DeviceModel v1beta1 (devices.md 2.1). */
export const deviceModelDefinition: CustomResourceDefinition = definitionOf(deviceModels, {
  schema: root({
    spec: object({
      properties: listOf(
        object({
          name: text,
          description: text,
          type: oneOf("INT", "FLOAT", "DOUBLE", "STRING", "BOOLEAN", "BYTES", "STREAM"),
          accessMode: oneOf("ReadWrite", "ReadOnly"),
          minimum: text,
          maximum: text,
          unit: text,
          visitors,
        }),
      ),
      protocol: text,
      protocolConfigData: freeObject,
    }),
  }),
  columns: [{ name: "Protocol", type: "string", jsonPath: ".spec.protocol" }, age],
});

/**
 * Device v1beta1 (devices.md 2.2). As in KubeEdge there is no status subresource: `status` is a free object that holds
 * legacy settings, and in Skerry also what the edge reported.
 */
export const deviceDefinition: CustomResourceDefinition = definitionOf(devices, {
  schema: root({
    spec: object({
      deviceModelRef: {
        type: "object",
        properties: { name: { type: "string", default: "" } },
        "x-kubernetes-map-type": "atomic",
      },
      nodeName: text,
      properties: listOf(
        object({
          name: text,
          desired: twinValue,
          visitors,
          collectCycle: integer64,
          reportCycle: integer64,
          reportToCloud: flag,
          pushMethod,
        }),
      ),
      protocol: object({ protocolName: text, configData: freeObject }),
      methods: listOf(object({ name: text, description: text, propertyNames: listOf(text) })),
      stateReport: object({ reportToCloud: flag, reportCycle: integer64 }),
    }),
    status: {
      type: "object",
      properties: { reportToCloud: flag, reportCycle: integer64 },
      "x-kubernetes-preserve-unknown-fields": true,
    },
  }),
  columns: [
    { name: "Node", type: "string", jsonPath: ".spec.nodeName" },
    { name: "Model", type: "string", jsonPath: ".spec.deviceModelRef.name" },
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Last value", type: "date", jsonPath: ".status.lastReportedTime" },
    { name: "Reported", type: "string", jsonPath: ".status.twins[*].reported.value", priority: 1 },
    { name: "Desired", type: "string", jsonPath: ".spec.properties[*].desired.value", priority: 1 },
    age,
  ],
});

/** DeviceStatus v1beta1 (devices.md 2.4). */
export const deviceStatusDefinition: CustomResourceDefinition = definitionOf(deviceStatuses, {
  schema: root({
    spec: { type: "object" },
    status: object({
      twins: listOf(object({ propertyName: text, reported: twinValue, observedDesired: twinValue })),
      state: text,
      lastOnlineTime: text,
      extensions: freeObject,
    }),
  }),
  columns: [
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Last online", type: "string", jsonPath: ".status.lastOnlineTime" },
    { name: "Reported", type: "string", jsonPath: ".status.twins[*].reported.value", priority: 1 },
    age,
  ],
});

import { type DBMethod, type PushMethod, toCustomizedValue } from "@skerry/dmi";
import type { JsonReader } from "./json-reader.ts";

/** Where a mapper is to send values besides EdgeCore (devices.md 2.3). */
export function toPushMethod(push: JsonReader): PushMethod {
  const [http, mqtt, otel] = [push.section("http"), push.section("mqtt"), push.section("otel")];
  return {
    http: push.has("http")
      ? {
          hostname: http.text("hostName"),
          port: http.integer("port"),
          requestpath: http.text("requestPath"),
          timeout: http.integer("timeout"),
        }
      : undefined,
    mqtt: push.has("mqtt")
      ? {
          address: mqtt.text("address"),
          topic: mqtt.text("topic"),
          qos: mqtt.integer("qos"),
          retained: mqtt.flag("retained"),
        }
      : undefined,
    dbMethod: push.has("dbMethod") ? toDatabaseMethod(push.section("dbMethod")) : undefined,
    otel: push.has("otel") ? { endpointUrl: otel.text("endpointURL") } : undefined,
    anomalyDetection: push.has("anomalyDetection")
      ? toCustomizedValue(push.section("anomalyDetection").json)
      : undefined,
  };
}

function toDatabaseMethod(databases: JsonReader): DBMethod {
  const influx = databases.section("influxdb2");
  const influxClient = influx.section("influxdb2ClientConfig");
  const influxData = influx.section("influxdb2DataConfig");
  const redis = databases.section("redis").section("redisClientConfig");
  const tdengine = databases.section("TDEngine").section("TDEngineClientConfig");
  const mysql = databases.section("mysql").section("mysqlClientConfig");
  return {
    influxdb2: databases.has("influxdb2")
      ? {
          influxdb2ClientConfig: {
            url: influxClient.text("url"),
            org: influxClient.text("org"),
            bucket: influxClient.text("bucket"),
          },
          influxdb2DataConfig: {
            measurement: influxData.text("measurement"),
            tag: influxData.textMap("tag"),
            fieldKey: influxData.text("fieldKey"),
          },
        }
      : undefined,
    redis: databases.has("redis")
      ? {
          redisClientConfig: {
            addr: redis.text("addr"),
            db: redis.integer("db"),
            poolsize: redis.integer("poolsize"),
            minIdleConns: redis.integer("minIdleConns"),
          },
        }
      : undefined,
    tdengine: databases.has("TDEngine")
      ? { tdEngineClientConfig: { addr: tdengine.text("addr"), dbname: tdengine.text("dbName") } }
      : undefined,
    mysql: databases.has("mysql")
      ? {
          mysqlClientConfig: {
            addr: mysql.text("addr"),
            database: mysql.text("database"),
            userName: mysql.text("userName"),
          },
        }
      : undefined,
  };
}

import type { JsonObject } from "@skerry/base";

/**
 * What a visitor of a known protocol cannot do without; each group needs one of its keys. The names are those of
 * KubeEdge's mappers and of Skerry's (devices.md 9.1, 10).
 */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  modbus: [["register"], ["offset"]],
  "modbus-tcp": [["register"], ["offset"]],
  "modbus-rtu": [["register"], ["offset"]],
  opcua: [["nodeID", "nodeId"]],
  bluetooth: [["characteristicUUID"]],
};

/** The keys that a visitor lacks; none for a protocol that is not known. */
export function missingVisitorKeys(protocol: string, configData: JsonObject): string[] {
  const needed = Object.hasOwn(NEEDED, protocol.toLowerCase()) ? (NEEDED[protocol.toLowerCase()] ?? []) : [];
  return needed
    .filter((alternatives) => !alternatives.some((key) => key in configData))
    .map((alternatives) => alternatives.join(" or "));
}

import { fromV1alpha2, OLDER_DEVICE_VERSION, toV1alpha2 } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { type Topology, UNKNOWN } from "../fieldmanager/topology.ts";
import { type ApiObject, asApiObject, asJsonObject } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";
import type { Decoded, ObjectSchema, ResourceDefinition } from "../registry/resource-definition.ts";

const GROUP = "devices.kubeedge.io";
const CONVERTED: ReadonlySet<string> = new Set(["devices", "devicemodels"]);

const freeObject: JsonObject = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const openSchema: JsonObject = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: freeObject,
    status: freeObject,
  },
};

/**
 * All served resources with KubeEdge's older version of devices and their models beside v1beta1, so that `kubectl apply`
 * takes the manifests of older tutorials. They are stored as v1beta1. On another Kubernetes CloudCore's conversion webhook
 * does this. A definition that names the older version itself (KubeEdge's own, which stores it unconverted) gets the
 * conversion too.
 */
export function withOlderDevices(served: readonly ResourceDefinition[]): ResourceDefinition[] {
  const isConverted = ({ reference }: ResourceDefinition): boolean =>
    reference.group === GROUP && CONVERTED.has(reference.resource);
  return [
    ...served.filter((each) => !isConverted(each) || each.reference.version !== OLDER_DEVICE_VERSION),
    ...served.filter((each) => isConverted(each) && each.reference.version === "v1beta1").map(olderVersionOf),
  ];
}

function olderVersionOf(newer: ResourceDefinition): ResourceDefinition {
  const convert = (object: ApiObject): JsonObject => fromV1alpha2(asJsonObject(object));
  return {
    ...newer,
    reference: { ...newer.reference, version: OLDER_DEVICE_VERSION },
    schema: new OlderDeviceSchema(newer.schema, convert),
    openApi: { schema: openSchema },
    conversion: {
      toStored(object, previous) {
        const { status: _written, ...stored } = newer.schema.decode(convert(object)).object;
        // What is reported only the cloud writes; manifests of v1alpha2 bring old values along.
        const status = previous && asJsonObject(previous)["status"];
        return asApiObject({ ...stored, ...(status === undefined ? {} : { status }) });
      },
      fromStored: (object) => asApiObject(toV1alpha2(asJsonObject(object))),
    },
  };
}

/** Takes any members, as the older forms have many, and judges what becomes of them. */
class OlderDeviceSchema implements ObjectSchema {
  readonly #newer: ObjectSchema;
  readonly #convert: (object: ApiObject) => JsonObject;

  constructor(newer: ObjectSchema, convert: (object: ApiObject) => JsonObject) {
    this.#newer = newer;
    this.#convert = convert;
  }

  get topology(): Topology {
    return UNKNOWN;
  }

  decode(source: JsonObject): Decoded {
    return this.decodePart(source);
  }

  decodePart(source: JsonObject): Decoded {
    return { object: structuredClone(source), unknown: [] };
  }

  validate(object: ApiObject): FieldError[] {
    return this.#newer.validate(asApiObject(this.#newer.decode(this.#convert(object)).object));
  }
}

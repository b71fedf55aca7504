import { convertOlderDevices, fromOlderDevice, OLDER_DEVICE_VERSIONS, toOlderDevice } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { type Topology, UNKNOWN } from "../fieldmanager/topology.ts";
import { type ApiObject, asApiObject, asJsonObject } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";
import type { Decoded, KindStrategy, ObjectSchema, ResourceDefinition } from "../registry/resource-definition.ts";

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
 * All served resources with KubeEdge's older versions of devices and their models beside v1beta1, so that `kubectl apply`
 * takes the manifests of older tutorials. They are stored as v1beta1. On another Kubernetes CloudCore's conversion webhook
 * does this. A definition that names an older version itself (KubeEdge's own, which stores it unconverted) gets the
 * conversion too.
 */
export function withOlderDevices(served: readonly ResourceDefinition[]): ResourceDefinition[] {
  const isConverted = ({ reference }: ResourceDefinition): boolean =>
    reference.group === GROUP && CONVERTED.has(reference.resource);
  const newest = served.filter((each) => isConverted(each) && each.reference.version === "v1beta1");
  return [
    ...served.filter((each) => !isConverted(each) || !OLDER_DEVICE_VERSIONS.includes(each.reference.version)),
    ...OLDER_DEVICE_VERSIONS.flatMap((version) => newest.map((each) => olderVersionOf(each, version))),
  ];
}

function olderVersionOf(newer: ResourceDefinition, version: string): ResourceDefinition {
  const convert = (object: ApiObject): JsonObject => fromOlderDevice(asJsonObject(object));
  return {
    ...newer,
    reference: { ...newer.reference, version },
    schema: new OlderDeviceSchema(newer.schema, convert),
    strategy: warningOfLosses(newer.strategy),
    openApi: { schema: openSchema },
    conversion: {
      toStored(object, previous) {
        const { status: _written, ...stored } = newer.schema.decode(convert(object)).object;
        // What is reported only the cloud writes; manifests of v1alpha2 bring old values along.
        const status = previous && asJsonObject(previous)["status"];
        return asApiObject({ ...stored, ...(status === undefined ? {} : { status }) });
      },
      fromStored: (object) => asApiObject(toOlderDevice(asJsonObject(object), version)),
    },
  };
}

/** Tells who writes an older form what has no place in the newest. */
function warningOfLosses(strategy: KindStrategy): KindStrategy {
  return {
    ...strategy,
    prepareForCreate(object, scope) {
      strategy.prepareForCreate?.(object, scope);
      scope.context.warnings.push(...convertOlderDevices([object]).notes);
    },
    prepareForUpdate(next, previous, scope) {
      strategy.prepareForUpdate?.(next, previous, scope);
      scope.context.warnings.push(...convertOlderDevices([next]).notes);
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

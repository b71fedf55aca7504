import type { ResourceReference } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { PatternCache } from "../cel/pattern-cache.ts";
import { customResourceTopology } from "../fieldmanager/schema-topology.ts";
import type { Topology } from "../fieldmanager/topology.ts";
import type { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { type ApiObject, asJsonObject, objectAt, objectsIn, textAt, textsIn } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";
import type { ObjectStore } from "../registry/object-store.ts";
import type { ResourceCatalog } from "../registry/resource-catalog.ts";
import type {
  Decoded,
  KindStrategy,
  ObjectSchema,
  ResourceDefinition,
  ScalePaths,
} from "../registry/resource-definition.ts";
import { DEFINITIONS_KEY, isEstablished } from "./accepted-names.ts";
import { CelRules } from "./cel-rules.ts";
import { removeIfEmpty, storageKeyOf } from "./definition-strategy.ts";
import { withOlderDevices } from "./older-device-versions.ts";
import { printerColumns } from "./printer-columns.ts";
import { validateSchema } from "./schema-validation.ts";
import { applySchemaDefaults, pruneUnknown } from "./structural-schema.ts";
import { deprecationOf } from "./version-deprecation.ts";

/** Keeps the catalog in step with the stored CRDs: at once now, and after every change of one. */
export function serveCustomResources(
  store: ObjectStore,
  catalog: ResourceCatalog,
  topologies: TypeTopologies,
): Disposable {
  const reload = (): void => {
    const definitions = store.read((view) => view.list(DEFINITIONS_KEY));
    catalog.setCustom(
      withOlderDevices(definitions.flatMap((definition) => resourcesOf(asJsonObject(definition), topologies))),
    );
  };
  reload();
  return store.feed.subscribe((changes) => {
    if (changes.some((change) => change.key.resource === DEFINITIONS_KEY)) reload();
  });
}

/** The resources of one CRD: one for each served version, none while its names are taken by another. */
function resourcesOf(definition: JsonObject, topologies: TypeTopologies): ResourceDefinition[] {
  const spec = objectAt(definition, "spec");
  const status = objectAt(definition, "status");
  if (!isEstablished(status)) return [];
  const names = objectAt(status, "acceptedNames");
  const definitionName = textAt(objectAt(definition, "metadata"), "name");
  return objectsIn(spec["versions"])
    .filter((version) => version["served"] !== false)
    .map((version) => {
      const reference: ResourceReference = {
        group: textAt(spec, "group"),
        version: textAt(version, "name"),
        resource: textAt(names, "plural"),
        kind: textAt(names, "kind"),
        namespaced: spec["scope"] === "Namespaced",
      };
      const schema = objectAt(objectAt(version, "schema"), "openAPIV3Schema");
      const deprecation = deprecationOf(definition, version);
      return {
        reference,
        singular: textAt(names, "singular") || reference.kind.toLowerCase(),
        shortNames: textsIn(names["shortNames"]),
        categories: textsIn(names["categories"]),
        storageKey: storageKeyOf(definition),
        schema: new CustomResourceSchema(schema, topologies),
        strategy: strategyOf(definitionName, version),
        subresources: [],
        columns: printerColumns(version),
        openApi: { schema },
        isCustom: true,
        ...(deprecation === undefined ? {} : { deprecation }),
      };
    });
}

function strategyOf(definitionName: string, version: JsonObject): KindStrategy {
  const subresources = objectAt(version, "subresources");
  const scale = subresources["scale"] === undefined ? undefined : scalePaths(objectAt(subresources, "scale"));
  return {
    hasStatus: subresources["status"] !== undefined,
    tracksGeneration: true,
    requiresVersionOnUpdate: true,
    selectableFields: objectsIn(version["selectableFields"]).map((field) =>
      textAt(field, "jsonPath").replace(/^\./, ""),
    ),
    ...(scale ? { scale } : {}),
    afterRemove: (_object: ApiObject, scope) => removeIfEmpty(scope, definitionName),
  };
}

function scalePaths(scale: JsonObject): ScalePaths {
  const path = (member: string): string => textAt(scale, member).replace(/^\./, "");
  const selector = path("labelSelectorPath");
  return {
    specReplicas: path("specReplicasPath"),
    statusReplicas: path("statusReplicasPath"),
    ...(selector === "" ? {} : { selector }),
  };
}

/** Rules may rely on a valid object. */
const RULES_NOT_CHECKED: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

/** Reads and checks custom resources by their structural schema. */
class CustomResourceSchema implements ObjectSchema {
  readonly #schema: JsonObject;
  readonly #rules: CelRules;
  readonly #patterns = new PatternCache();
  readonly topology: Topology;

  constructor(schema: JsonObject, topologies: TypeTopologies) {
    this.#schema = schema;
    this.#rules = new CelRules(schema);
    this.topology = customResourceTopology(schema, topologies.of("meta.v1.ObjectMeta"));
  }

  decode(source: JsonObject): Decoded {
    const decoded = this.decodePart(source);
    applySchemaDefaults(this.#schema, decoded.object);
    return decoded;
  }

  decodePart(source: JsonObject): Decoded {
    const object = structuredClone(source);
    const unknown: string[] = [];
    pruneUnknown(this.#schema, object, unknown);
    return { object, unknown };
  }

  validate(object: ApiObject, previous?: ApiObject): FieldError[] {
    const errors = validateSchema(this.#schema, asJsonObject(object), this.#patterns);
    if (this.#rules.isEmpty) return errors;
    if (errors.length > 0) return [...errors, RULES_NOT_CHECKED];
    return this.#rules.validate(asJsonObject(object), previous && asJsonObject(previous));
  }
}

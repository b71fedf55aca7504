import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/**
 * The protobuf form of an OpenAPI v2 document (gnostic's `openapi.v2.Document`), which kubectl asks for; the field numbers are
 * those of its OpenAPIv2.proto. Extensions are YAML texts within it; JSON is YAML.
 */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, document["swagger"]);
  message(writer, 2, document["info"], (info, value) => {
    text(info, 1, value["title"]);
    text(info, 2, value["version"]);
  });
  message(writer, 8, document["paths"], (paths, value) => named(paths, 2, value, writePath));
  message(writer, 9, document["definitions"], (definitions, value) => named(definitions, 1, value, writeSchema));
  return writer.finish();
}

type Write = (writer: BinaryWriter, value: JsonObject) => void;

const OPERATION_FIELDS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function writePath(writer: BinaryWriter, path: JsonObject): void {
  for (const [method, number] of Object.entries(OPERATION_FIELDS))
    message(writer, number, path[method], (operation, value) => {
      texts(operation, 7, value["consumes"]);
      // ParametersItem.parameter
      for (const parameter of Array.isArray(value["parameters"]) ? value["parameters"] : [])
        message(operation, 8, parameter, (item, inner) => message(item, 1, inner, writeParameter));
      message(operation, 9, value["responses"], (responses, codes) => named(responses, 1, codes, writeResponse));
      extensions(operation, 13, value);
    });
}

function writeParameter(writer: BinaryWriter, parameter: JsonObject): void {
  if (parameter["in"] === "body") {
    message(writer, 1, parameter, (body, value) => {
      text(body, 2, value["name"]);
      text(body, 3, value["in"]);
      if (value["required"] === true) body.tag(4, 0).bool(true);
      message(body, 5, value["schema"], writeSchema);
    });
    return;
  }
  // NonBodyParameter.query_parameter_sub_schema
  message(writer, 2, parameter, (other, value) =>
    message(other, 3, value, (query, inner) => {
      text(query, 2, inner["in"]);
      text(query, 4, inner["name"]);
      text(query, 6, inner["type"]);
      if (inner["uniqueItems"] === true) query.tag(20, 0).bool(true);
    }),
  );
}

function writeResponse(writer: BinaryWriter, response: JsonObject): void {
  // ResponseValue.response; its schema is in a SchemaItem.
  message(writer, 1, response, (value, inner) => {
    text(value, 1, inner["description"]);
    message(value, 2, inner["schema"], (item, schema) => message(item, 1, schema, writeSchema));
  });
}

function writeSchema(writer: BinaryWriter, schema: JsonObject): void {
  text(writer, 1, schema["$ref"]);
  text(writer, 2, schema["format"]);
  text(writer, 4, schema["description"]);
  texts(writer, 19, schema["required"]);
  for (const value of Array.isArray(schema["enum"]) ? schema["enum"] : []) {
    writer.tag(20, 2).fork();
    text(writer, 2, JSON.stringify(value));
    writer.join();
  }
  message(writer, 21, schema["additionalProperties"], (item, value) => message(item, 1, value, writeSchema));
  if (typeof schema["type"] === "string")
    message(writer, 22, schema, (type, value) => {
      text(type, 1, value["type"]);
    });
  message(writer, 23, schema["items"], (items, value) => message(items, 1, value, writeSchema));
  message(writer, 25, schema["properties"], (properties, value) => named(properties, 1, value, writeSchema));
  extensions(writer, 31, schema);
}

/** A map: pairs of a name and a message. */
function named(writer: BinaryWriter, number: number, map: JsonObject, write: Write): void {
  for (const [name, value] of Object.entries(map)) {
    writer.tag(number, 2).fork();
    text(writer, 1, name);
    message(writer, 2, value, write);
    writer.join();
  }
}

/** Members that begin with `x-`, as NamedAny. */
function extensions(writer: BinaryWriter, number: number, object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (!name.startsWith("x-")) continue;
    writer.tag(number, 2).fork();
    text(writer, 1, name);
    writer.tag(2, 2).fork();
    text(writer, 2, JSON.stringify(value));
    writer.join().join();
  }
}

function message(writer: BinaryWriter, number: number, value: JsonValue | undefined, write: Write): void {
  if (!isJsonObject(value)) return;
  writer.tag(number, 2).fork();
  write(writer, value);
  writer.join();
}

function text(writer: BinaryWriter, number: number, value: JsonValue | undefined): void {
  if (typeof value === "string" && value !== "") writer.tag(number, 2).string(value);
}

function texts(writer: BinaryWriter, number: number, values: JsonValue | undefined): void {
  for (const value of Array.isArray(values) ? values : []) text(writer, number, value);
}

import { isJsonObject, type JsonObject } from "@skerry/base";
import { numberAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { notNegative, portErrors } from "./number-rules.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
/** In the order in which Kubernetes looks at them: the second one is too many. */
const HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;
const HEADER = /^[-A-Za-z0-9]+$/;
const HEADER_RULE =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

/** Rules of a container's probes and of what is done after its start and before its end. */
export function validateProbes(container: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const lifecycle = container["lifecycle"];
  if (isJsonObject(lifecycle))
    for (const member of ["postStart", "preStop"]) {
      const hook = lifecycle[member];
      if (isJsonObject(hook)) errors.push(...validateHandler(hook, `${path}.lifecycle.${member}`));
    }
  for (const member of PROBES) {
    const probe = container[member];
    if (isJsonObject(probe)) errors.push(...validateProbe(probe, `${path}.${member}`, member));
  }
  return errors;
}

/** An init container that ends is neither probed nor told. */
export function refuseProbes(container: JsonObject, path: string): FieldError[] {
  return ["lifecycle", ...PROBES]
    .filter((member) => isJsonObject(container[member]))
    .map((member) =>
      forbiddenField(`${path}.${member}`, "may not be set for init containers without restartPolicy=Always"),
    );
}

function validateProbe(probe: JsonObject, path: string, member: (typeof PROBES)[number]): FieldError[] {
  const errors = [
    ...validateHandler(probe, path),
    ...notNegative(probe, path, [
      "initialDelaySeconds",
      "timeoutSeconds",
      "periodSeconds",
      "successThreshold",
      "failureThreshold",
    ]),
  ];
  const grace = numberAt(probe, "terminationGracePeriodSeconds");
  if (grace !== undefined && grace <= 0)
    errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  if (member === "readinessProbe") {
    if (grace !== undefined)
      errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"));
    return errors;
  }
  const threshold = numberAt(probe, "successThreshold") ?? 1;
  if (threshold !== 1) errors.push(invalidValue(`${path}.successThreshold`, threshold, "must be 1"));
  return errors;
}

function validateHandler(holder: JsonObject, path: string): FieldError[] {
  const given = HANDLERS.filter((member) => isJsonObject(holder[member]));
  const [first, ...more] = given;
  if (first === undefined) return [required(path, "must specify a handler type")];
  const handler = holder[first];
  return [
    ...(isJsonObject(handler) ? handlerErrors(first, handler, `${path}.${first}`) : []),
    ...more.map((member) => forbiddenField(`${path}.${member}`, "may not specify more than 1 handler type")),
  ];
}

function handlerErrors(kind: (typeof HANDLERS)[number], handler: JsonObject, path: string): FieldError[] {
  switch (kind) {
    case "exec":
      return Array.isArray(handler["command"]) && handler["command"].length > 0 ? [] : [required(`${path}.command`)];
    case "httpGet":
      return [
        ...(textAt(handler, "path") === "" ? [required(`${path}.path`)] : []),
        ...portErrors(`${path}.port`, handler["port"]),
        ...objectsIn(handler["httpHeaders"])
          .map((header) => textAt(header, "name"))
          .filter((name) => !HEADER.test(name))
          .map((name) => invalidValue(`${path}.httpHeaders`, name, HEADER_RULE)),
      ];
    case "tcpSocket":
    case "grpc":
      return portErrors(`${path}.port`, handler["port"]);
    case "sleep":
      return notNegative(handler, path, ["seconds"]);
  }
}

import type { JsonObject } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { duplicate, type FieldError, fieldNotFound, invalidValue, required } from "../field-error.ts";
import { validateEnv } from "./env-validation.ts";
import { labelRule, nameErrors, portNameRule } from "./name-rules.ts";
import { portNumberErrors } from "./number-rules.ts";
import { refuseProbes, validateProbes } from "./probe-validation.ts";
import { validateResourceRequirements } from "./resource-validation.ts";
import { validateSecurityContext } from "./security-context-validation.ts";
import { localPathErrors } from "./volume-validation.ts";

/** Rules of the containers and init containers of a pod spec. @param volumes that they may mount */
export function validateContainers(spec: JsonObject, path: string, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  for (const [index, container] of objectsIn(spec["containers"]).entries()) {
    const at = `${path}.containers[${index}]`;
    errors.push(...validateContainer(container, at, names, volumes), ...validateProbes(container, at));
    errors.push(...hostPortErrors(container, at, hostPorts, spec["hostNetwork"] === true));
  }
  for (const [index, container] of objectsIn(spec["initContainers"]).entries()) {
    const at = `${path}.initContainers[${index}]`;
    errors.push(...validateContainer(container, at, names, volumes));
    const isSidecar = container["restartPolicy"] === "Always";
    errors.push(...(isSidecar ? validateProbes(container, at) : refuseProbes(container, at)));
    // They run one after the other: only within one container a port of the node can be taken twice.
    errors.push(...hostPortErrors(container, at, new Set(), spec["hostNetwork"] === true));
  }
  return errors;
}

/** Rules that any container keeps. @param names of the containers before it, to which its own is added */
export function validateContainer(
  container: JsonObject,
  path: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, "name");
  if (name !== "") errors.push(...nameErrors(labelRule, `${path}.name`, name));
  if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
  names.add(name);
  const image = textAt(container, "image");
  if (image === "") errors.push(required(`${path}.image`));
  else if (image !== image.trim())
    errors.push(invalidValue(`${path}.image`, image, "must not have leading or trailing whitespace"));
  return [
    ...errors,
    ...validatePorts(container, path),
    ...validateEnv(container, path),
    ...validateMounts(container, path, volumes),
    ...validateResourceRequirements(objectAt(container, "resources"), `${path}.resources`),
    ...validateSecurityContext(objectAt(container, "securityContext"), `${path}.securityContext`),
  ];
}

function validatePorts(container: JsonObject, path: string): FieldError[] {
  const names = new Set<string>();
  return objectsIn(container["ports"]).flatMap((port, index) => {
    const at = `${path}.ports[${index}]`;
    const errors: FieldError[] = [];
    const name = textAt(port, "name");
    if (name !== "") {
      const wrong = nameErrors(portNameRule, `${at}.name`, name);
      errors.push(...(wrong.length === 0 && names.has(name) ? [duplicate(`${at}.name`, name)] : wrong));
      names.add(name);
    }
    const [number, hostPort] = [numberAt(port, "containerPort"), numberAt(port, "hostPort") ?? 0];
    if (number === 0) errors.push(required(`${at}.containerPort`));
    else if (number !== undefined) errors.push(...portNumberErrors(`${at}.containerPort`, number));
    if (hostPort !== 0) errors.push(...portNumberErrors(`${at}.hostPort`, hostPort));
    return errors;
  });
}

function hostPortErrors(container: JsonObject, path: string, taken: Set<string>, isHostNetwork: boolean): FieldError[] {
  return objectsIn(container["ports"]).flatMap((port, index) => {
    const at = `${path}.ports[${index}]`;
    const hostPort = numberAt(port, "hostPort") ?? 0;
    if (hostPort === 0) return [];
    const errors: FieldError[] = [];
    if (isHostNetwork && hostPort !== port["containerPort"])
      errors.push(invalidValue(`${at}.hostPort`, hostPort, "must match `containerPort` when `hostNetwork` is true"));
    const key = `${textAt(port, "protocol")}/${textAt(port, "hostIP")}/${hostPort}`;
    if (taken.has(key)) errors.push(duplicate(`${at}.hostPort`, key));
    taken.add(key);
    return errors;
  });
}

function validateMounts(container: JsonObject, path: string, volumes: ReadonlySet<string>): FieldError[] {
  const paths = new Set<string>();
  return objectsIn(container["volumeMounts"]).flatMap((mount, index) => {
    const at = `${path}.volumeMounts[${index}]`;
    const errors: FieldError[] = [];
    const volume = textAt(mount, "name");
    if (volume !== "" && !volumes.has(volume)) errors.push(fieldNotFound(`${at}.name`, volume));
    const mountPath = textAt(mount, "mountPath");
    if (paths.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, "must be unique"));
    paths.add(mountPath);
    const [subPath, expression] = [textAt(mount, "subPath"), textAt(mount, "subPathExpr")];
    if (subPath !== "") errors.push(...localPathErrors(subPath, `${at}.subPath`));
    if (expression !== "") {
      if (subPath !== "")
        errors.push(invalidValue(`${at}.subPathExpr`, expression, "subPathExpr and subPath are mutually exclusive"));
      errors.push(...localPathErrors(expression, `${at}.subPathExpr`));
    }
    return errors;
  });
}

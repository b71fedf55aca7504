import { isJsonObject, type JsonObject } from "@skerry/base";
import { ensureObject, numberAt, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";

/** Sets what Kubernetes sets in every pod spec, of pods and of templates. */
export function applyPodSpecDefaults(spec: JsonObject): void {
  setDefault(spec, "restartPolicy", "Always");
  setDefault(spec, "terminationGracePeriodSeconds", 30);
  // Kubernetes keeps less than nothing and takes it as one second; kept as one, no node has to know that.
  if ((numberAt(spec, "terminationGracePeriodSeconds") ?? 0) < 0) spec["terminationGracePeriodSeconds"] = 1;
  setDefault(spec, "dnsPolicy", "ClusterFirst");
  setDefault(spec, "securityContext", {});
  setDefault(spec, "schedulerName", "default-scheduler");
  mirrorServiceAccount(spec);
  const hostNetwork = spec["hostNetwork"] === true;
  for (const container of [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])])
    applyContainerDefaults(container, hostNetwork);
  for (const container of objectsIn(spec["ephemeralContainers"])) applyContainerDefaults(container, false);
  for (const volume of objectsIn(spec["volumes"])) applyVolumeDefaults(volume);
}

/** Sets what only pods themselves get, on top of {@link applyPodSpecDefaults}. */
export function applyPodDefaults(spec: JsonObject): void {
  applyPodSpecDefaults(spec);
  setDefault(spec, "enableServiceLinks", true);
  for (const container of [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])]) {
    const resources = ensureObject(container, "resources");
    const limits = objectAt(resources, "limits");
    if (Object.keys(limits).length === 0) continue;
    const requests = ensureObject(resources, "requests");
    for (const [name, quantity] of Object.entries(limits)) if (quantity !== undefined) requests[name] ??= quantity;
  }
}

/** `serviceAccount` is the old name of `serviceAccountName`; clients see both. */
function mirrorServiceAccount(spec: JsonObject): void {
  const name = textAt(spec, "serviceAccountName") || textAt(spec, "serviceAccount");
  if (name === "") return;
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
}

function applyContainerDefaults(container: JsonObject, hostNetwork: boolean): void {
  setDefault(container, "resources", {});
  setDefault(container, "terminationMessagePath", "/dev/termination-log");
  setDefault(container, "terminationMessagePolicy", "File");
  setDefault(container, "imagePullPolicy", isLatest(textAt(container, "image")) ? "Always" : "IfNotPresent");
  for (const port of objectsIn(container["ports"])) {
    setDefault(port, "protocol", "TCP");
    if (hostNetwork && typeof port["containerPort"] === "number") setDefault(port, "hostPort", port["containerPort"]);
  }
  for (const variable of objectsIn(container["env"])) {
    const source = variable["valueFrom"];
    if (isJsonObject(source)) applyDownwardDefaults(source);
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const probe = container[name];
    if (isJsonObject(probe)) applyProbeDefaults(probe);
  }
  for (const hook of Object.values(objectAt(container, "lifecycle")))
    if (isJsonObject(hook) && isJsonObject(hook["httpGet"])) applyHttpGetDefaults(hook["httpGet"]);
}

const PROBE_DEFAULTS: readonly (readonly [member: string, value: number])[] = [
  ["timeoutSeconds", 1],
  ["periodSeconds", 10],
  ["successThreshold", 1],
  ["failureThreshold", 3],
];

function applyProbeDefaults(probe: JsonObject): void {
  // A zero is no choice but a member that a client in Go left out.
  for (const [member, value] of PROBE_DEFAULTS) if (!probe[member]) probe[member] = value;
  if (isJsonObject(probe["httpGet"])) applyHttpGetDefaults(probe["httpGet"]);
  if (isJsonObject(probe["grpc"])) setDefault(probe["grpc"], "service", "");
}

function applyHttpGetDefaults(httpGet: JsonObject): void {
  setDefault(httpGet, "path", "/");
  setDefault(httpGet, "scheme", "HTTP");
}

/** Whether an image reference names the moving tag: `latest`, or none at all. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = /:([^/:]*)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest";
}

const FILE_MODE_0644 = 0o644;

function applyVolumeDefaults(volume: JsonObject): void {
  if (Object.keys(volume).every((member) => member === "name")) volume["emptyDir"] = {};
  for (const source of ["secret", "configMap", "downwardAPI", "projected"]) {
    const value = volume[source];
    if (isJsonObject(value)) setDefault(value, "defaultMode", FILE_MODE_0644);
  }
  if (isJsonObject(volume["hostPath"])) setDefault(volume["hostPath"], "type", "");
  for (const item of objectsIn(objectAt(volume, "downwardAPI")["items"])) applyDownwardDefaults(item);
  for (const source of objectsIn(objectAt(volume, "projected")["sources"])) {
    if (isJsonObject(source["serviceAccountToken"]))
      setDefault(source["serviceAccountToken"], "expirationSeconds", 3600);
    for (const item of objectsIn(objectAt(source, "downwardAPI")["items"])) applyDownwardDefaults(item);
  }
}

/** Of a variable's source, or a file's. */
function applyDownwardDefaults(source: JsonObject): void {
  const { fieldRef, resourceFieldRef } = source;
  if (isJsonObject(fieldRef)) {
    setDefault(fieldRef, "apiVersion", "v1");
    // The node's name as it was called once.
    if (fieldRef["fieldPath"] === "spec.host") fieldRef["fieldPath"] = "spec.nodeName";
  }
  if (isJsonObject(resourceFieldRef)) resourceFieldRef["divisor"] ??= "0";
}

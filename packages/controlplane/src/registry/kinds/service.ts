import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt, objectsIn, setDefault, textAt, textsIn } from "../api-object.ts";
import { invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateService } from "../validation/service-validation.ts";
import { assignNodePorts, nodePortErrors } from "./node-ports.ts";
import { contradictsItself, giveAddresses } from "./service-addresses.ts";

/** core/v1 Service: gets its cluster addresses and keeps them. */
export const serviceStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  returnsDeletedObject: true,
  nameRule: "label",
  selectableFields: ["spec.clusterIP", "spec.type"],
  applyDefaults(service) {
    const spec = ensureObject(service, "spec");
    setDefault(spec, "type", "ClusterIP");
    setDefault(spec, "sessionAffinity", "None");
    for (const port of objectsIn(spec["ports"])) {
      setDefault(port, "protocol", "TCP");
      // Also for 0 and "", as clients in Go write out what they leave out.
      if (port["port"] !== undefined && !port["targetPort"]) port["targetPort"] = port["port"];
    }
    if (spec["type"] === "ExternalName") return;
    setDefault(spec, "internalTrafficPolicy", "Cluster");
    if (spec["type"] !== "ClusterIP") setDefault(spec, "externalTrafficPolicy", "Cluster");
  },
  prepareForCreate(service, scope) {
    service["status"] = { loadBalancer: {} };
    giveAddresses(service, scope);
    assignNodePorts(service, scope);
  },
  prepareForUpdate(next, previous, scope) {
    assignNodePorts(next, scope, previous);
    const [spec, before] = [ensureObject(next, "spec"), objectAt(previous, "spec")];
    if (spec["type"] === "ExternalName") {
      // The address is given back with the type that had it.
      for (const member of ADDRESS_MEMBERS) if (jsonEqual(spec[member], before[member])) delete spec[member];
      return;
    }
    if (before["type"] === "ExternalName") {
      giveAddresses(next, scope);
      return;
    }
    keepAddresses(spec, before);
    giveAddresses(next, scope, before);
  },
  validate(service) {
    const spec = objectAt(service, "spec");
    return [...validateService(spec, "spec"), ...nodePortErrors(spec)];
  },
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    if (textAt(before, "clusterIP") === "" || after["type"] === "ExternalName") return [];
    const lasting = contradictsItself(before) ? ["clusterIPs"] : ["clusterIPs", "ipFamilies"];
    return lasting.flatMap((member) => {
      const [now, then] = [textsIn(after[member]), textsIn(before[member])];
      return [0, 1]
        .filter((index) => index < Math.min(now.length, then.length) && now[index] !== then[index])
        .map((index) => invalidValue(`spec.${member}[${index}]`, after[member], "may not change once set"));
    });
  },
};

const ADDRESS_MEMBERS = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"];

/** Who knows only the older member changes only that; who names none keeps what there is. */
function keepAddresses(spec: JsonObject, before: JsonObject): void {
  const isNewAddress = textAt(spec, "clusterIP") !== "" && spec["clusterIP"] !== before["clusterIP"];
  if (isNewAddress && jsonEqual(spec["clusterIPs"], before["clusterIPs"]))
    spec["clusterIPs"] = [spec["clusterIP"] ?? ""];
  const [asked = before["clusterIP"]] = textsIn(spec["clusterIPs"]);
  if (textAt(spec, "clusterIP") === "" && asked !== undefined) spec["clusterIP"] = asked;
  const isKept = spec["clusterIP"] === before["clusterIP"];
  for (const member of ["clusterIPs", "ipFamilies"])
    if (isKept && textsIn(spec[member]).length === 0) spec[member] = before[member] ?? [];
}

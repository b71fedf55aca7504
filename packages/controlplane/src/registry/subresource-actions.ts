import { type JsonObject, toKubernetesTime } from "@skerry/base";
import { badRequest } from "@skerry/kube";
import { restrictNodeAction } from "../admission/node-restriction.ts";
import { REVIEWED_BEFORE } from "../admission/webhooks/reviewed-write.ts";
import type { ServiceAccountTokens } from "../authentication/service-account-tokens.ts";
import { type ApiObject, asApiObject, asJsonObject, ensureObject, objectAt, objectsIn, textAt } from "./api-object.ts";
import type { ObjectAt } from "./api-service.ts";
import { allowEviction } from "./eviction.ts";
import { required } from "./field-error.ts";
import { keyOf } from "./object-writes.ts";
import type { Registry } from "./registry.ts";
import type { RequestContext } from "./request-context.ts";
import { conflict, invalid, methodNotSupported, notFound } from "./status-errors.ts";

/** Subresources that do something when one posts to them. */
export class SubresourceActions {
  readonly #registry: Registry;
  readonly #tokens: ServiceAccountTokens;

  constructor(registry: Registry, tokens: ServiceAccountTokens) {
    this.#registry = registry;
    this.#tokens = tokens;
  }

  /** @throws ApiError Forbidden, MethodNotAllowed, and those of the single actions */
  async create(context: RequestContext, at: ObjectAt, asked: JsonObject): Promise<ApiObject> {
    this.#registry.store.read((view) => restrictNodeAction(view, context, at, asked));
    const body = await this.#registry.reviewAction(context, at, asked);
    switch (at.subresource) {
      case "binding":
        return this.#bind(context, at, body);
      case "eviction":
        return this.#evict(context, at, body);
      case "token":
        return this.#tokens.issue(at, body);
      default:
        throw methodNotSupported(at.definition.reference, "create");
    }
  }

  /** Puts a pod on a node: what the scheduler decides. @throws ApiError NotFound, Conflict, Invalid */
  async #bind(context: RequestContext, at: ObjectAt, body: JsonObject): Promise<ApiObject> {
    const node = textAt(objectAt(body, "target"), "name");
    if (node === "") throw invalid(at.definition.reference, at.name, [required("target.name")]);
    const { store, clock } = this.#registry;
    const key = keyOf(at.definition, at.namespace, at.name);
    const write = context.dryRun ? store.rehearse.bind(store) : store.write.bind(store);
    await write((session) => {
      const pod = session.get(key);
      if (!pod) throw notFound(at.definition.reference, at.name);
      const spec = ensureObject(asJsonObject(pod), "spec");
      const uid = textAt(objectAt(body, "metadata"), "uid");
      if (uid !== "" && uid !== pod.metadata.uid)
        throw conflict(
          at.definition.reference,
          at.name,
          `the pod has another UID (${pod.metadata.uid}) than the binding`,
        );
      if (pod.metadata.deletionTimestamp !== undefined)
        throw conflict(
          at.definition.reference,
          at.name,
          `pod ${at.name} is being deleted, cannot be assigned to a host`,
        );
      const assigned = textAt(spec, "nodeName");
      if (assigned !== "")
        throw conflict(at.definition.reference, at.name, `pod ${at.name} is already assigned to node "${assigned}"`);
      spec["nodeName"] = node;
      const status = ensureObject(asJsonObject(pod), "status");
      const time = toKubernetesTime(clock.now());
      status["conditions"] = [
        ...objectsIn(status["conditions"]).filter((condition) => condition["type"] !== "PodScheduled"),
        { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: time },
      ];
      return session.put(key, pod);
    });
    return success();
  }

  /** Deletes a pod on behalf of a drain, when its disruption budget allows it. @throws ApiError TooManyRequests */
  async #evict(context: RequestContext, at: ObjectAt, body: JsonObject): Promise<ApiObject> {
    const options = objectAt(body, "deleteOptions");
    const grace = options["gracePeriodSeconds"];
    if (grace !== undefined && typeof grace !== "number") throw badRequest("gracePeriodSeconds must be a number");
    const { store, clock } = this.#registry;
    const isRehearsal = context.dryRun || options["dryRun"] !== undefined;
    const write = isRehearsal ? store.rehearse.bind(store) : store.write.bind(store);
    await write((session) => allowEviction(session, keyOf(at.definition, at.namespace, at.name), at, clock));
    const uid = textAt(objectAt(options, "preconditions"), "uid");
    const deletion = { ...context, dryRun: isRehearsal, attempt: REVIEWED_BEFORE };
    await this.#registry.delete(deletion, at.definition, at.namespace, at.name, {
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
      ...(uid === "" ? {} : { preconditions: { uid } }),
    });
    return success();
  }
}

function success(): ApiObject {
  return asApiObject({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

import { type Clock, isJsonObject, type JsonObject, type Random, toKubernetesTime } from "@skerry/base";
import { type ApiObject, asApiObject, asJsonObject, numberAt, objectAt, textAt } from "../registry/api-object.ts";
import type { ObjectAt } from "../registry/api-service.ts";
import { type FieldError, invalidValue } from "../registry/field-error.ts";
import type { ObjectStore } from "../registry/object-store.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { conflict, invalid, notFound } from "../registry/status-errors.ts";
import type { TokenSigner } from "./token-signer.ts";

/** Who issues tokens, and for whom they are when nobody else is named. */
export const TOKEN_ISSUER = "https://kubernetes.default.svc.cluster.local";

const DEFAULT_SECONDS = 3600;
const SHORTEST_SECONDS = 600;
const LONGEST_SECONDS = 365 * 24 * 3600;

const tokenRequests = {
  group: "authentication.k8s.io",
  version: "v1",
  resource: "tokenrequests",
  kind: "TokenRequest",
  namespaced: true,
} as const;

/** Issues tokens of service accounts and recognises them. */
export class ServiceAccountTokens {
  readonly #store: ObjectStore;
  readonly #signer: TokenSigner;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(store: ObjectStore, signer: TokenSigner, clock: Clock, random: Random) {
    this.#store = store;
    this.#signer = signer;
    this.#clock = clock;
    this.#random = random;
  }

  /** Answers a TokenRequest. @throws ApiError NotFound, Invalid, Conflict */
  async issue(at: ObjectAt, request: JsonObject): Promise<ApiObject> {
    const account = this.#store.read((view) =>
      view.get({ resource: "/serviceaccounts", namespace: at.namespace, name: at.name }),
    );
    if (!account) throw notFound(at.definition.reference, at.name);
    const spec = objectAt(request, "spec");
    const seconds = numberAt(spec, "expirationSeconds") ?? DEFAULT_SECONDS;
    const errors = checkSeconds(seconds);
    if (errors.length > 0) throw invalid(tokenRequests, "", errors);
    const wanted = spec["audiences"];
    const audiences = Array.isArray(wanted) && wanted.length > 0 ? wanted : [TOKEN_ISSUER];
    const nowSeconds = Math.floor(this.#clock.now() / 1000);
    const token = this.#signer.sign({
      aud: audiences,
      exp: nowSeconds + seconds,
      iat: nowSeconds,
      iss: TOKEN_ISSUER,
      jti: this.#random.uuid(),
      "kubernetes.io": {
        namespace: at.namespace,
        serviceaccount: { name: at.name, uid: account.metadata.uid ?? "" },
        ...this.#boundTo(at, spec),
      },
      nbf: nowSeconds,
      sub: `system:serviceaccount:${at.namespace}:${at.name}`,
    });
    const expiry = toKubernetesTime((nowSeconds + seconds) * 1000);
    return asApiObject({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name: at.name, namespace: at.namespace, creationTimestamp: toKubernetesTime(this.#clock.now()) },
      spec: { ...spec, audiences, expirationSeconds: seconds },
      status: { token, expirationTimestamp: expiry },
    });
  }

  /** Who a token belongs to; undefined when it is not ours, has expired, or its account or pod is gone. */
  authenticate(token: string, audiences: readonly string[] = [TOKEN_ISSUER]): UserInfo | undefined {
    const claims = this.#signer.verify(token);
    if (!claims || claims["iss"] !== TOKEN_ISSUER) return undefined;
    const nowSeconds = this.#clock.now() / 1000;
    if ((numberAt(claims, "exp") ?? 0) <= nowSeconds || (numberAt(claims, "nbf") ?? 0) > nowSeconds + 60)
      return undefined;
    const aud = Array.isArray(claims["aud"]) ? claims["aud"] : [claims["aud"] ?? ""];
    if (!aud.some((audience) => audiences.includes(String(audience)))) return undefined;
    const bound = objectAt(claims, "kubernetes.io");
    const namespace = textAt(bound, "namespace");
    const account = objectAt(bound, "serviceaccount");
    const pod = bound["pod"] === undefined ? undefined : objectAt(bound, "pod");
    const lives = (resource: string, identity: JsonObject): boolean => {
      const found = this.#store.read((view) => view.get({ resource, namespace, name: textAt(identity, "name") }));
      return found !== undefined && found.metadata.uid === identity["uid"];
    };
    if (!lives("/serviceaccounts", account) || (pod && !lives("/pods", pod))) return undefined;
    return {
      username: `system:serviceaccount:${namespace}:${textAt(account, "name")}`,
      uid: textAt(account, "uid"),
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      ...(pod
        ? {
            extra: {
              "authentication.kubernetes.io/pod-name": [textAt(pod, "name")],
              "authentication.kubernetes.io/pod-uid": [textAt(pod, "uid")],
            },
          }
        : {}),
    };
  }

  #boundTo(at: ObjectAt, spec: JsonObject): JsonObject {
    const reference = spec["boundObjectRef"];
    if (!isJsonObject(reference)) return {}; // Missing, or null.
    const kind = textAt(reference, "kind");
    const name = textAt(reference, "name");
    const resource = kind === "Pod" ? "/pods" : kind === "Secret" ? "/secrets" : undefined;
    if (resource === undefined)
      throw invalid(tokenRequests, "", [
        invalidValue("spec.boundObjectRef", kind, "cannot bind token for serviceaccount to this kind of object"),
      ]);
    const found = this.#store.read((view) => view.get({ resource, namespace: at.namespace, name }));
    const target = { ...tokenRequests, group: "", resource: resource.slice(1), kind };
    if (!found) throw notFound(target, name);
    const uid = textAt(reference, "uid");
    if (uid !== "" && uid !== found.metadata.uid)
      throw conflict(
        target,
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (kind === "Pod") {
      const podSpec = objectAt(asJsonObject(found), "spec");
      if (textAt(podSpec, "serviceAccountName") !== at.name)
        throw invalid(tokenRequests, "", [
          invalidValue("spec.boundObjectRef.name", name, `pod uses another service account than ${at.name}`),
        ]);
      const node = textAt(podSpec, "nodeName");
      return { pod: { name, uid: found.metadata.uid ?? "" }, ...(node === "" ? {} : { node: { name: node } }) };
    }
    return { secret: { name, uid: found.metadata.uid ?? "" } };
  }
}

function checkSeconds(seconds: number): FieldError[] {
  if (seconds < SHORTEST_SECONDS)
    return [invalidValue("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")];
  if (seconds > LONGEST_SECONDS)
    return [invalidValue("spec.expirationSeconds", seconds, "may not specify a duration larger than 1 year")];
  return [];
}

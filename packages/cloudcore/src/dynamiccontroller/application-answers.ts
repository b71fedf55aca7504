import { isJsonObject } from "@skerry/base";
import type { DelegatedApi, DelegatedRequest } from "@skerry/kube";
import type { Application, ApplicationOutcome } from "@skerry/link";
import { parseApplicationKey, requestOf } from "./application-request.ts";
import { nodeUser, ownPartOf, type Selection } from "./node-access.ts";
import { notAnApplication, statusOfAnswer } from "./statuses.ts";

/** Does everything but watches: sends the request to the API server in the node's name. */
export class ApplicationAnswers {
  readonly #api: DelegatedApi;

  constructor(api: DelegatedApi) {
    this.#api = api;
  }

  /** @throws ApiError for a name that would lead elsewhere, SkerryError `KUBE_UNREACHABLE`, `KUBE_ANSWER_TOO_LARGE` */
  async answer(nodeName: string, application: Application, signal: AbortSignal): Promise<ApplicationOutcome> {
    const request = requestOf(application);
    if (!request) return { kind: "rejected", status: notAnApplication() };
    const outcome = await this.#send(nodeName, request, signal);
    if (application.verb !== "list") return outcome;
    const isRefused = outcome.kind === "rejected" && outcome.status.code === 403;
    const selection = isRefused ? selectionOf(application) : undefined;
    const own = selection && ownPartOf(nodeName, selection);
    if (!own) return withKinds(outcome);
    const query = { ...request.query, fieldSelector: own.fieldSelector };
    return withKinds(await this.#send(nodeName, { ...request, query }, signal));
  }

  /** Why the node may not list this, or cannot; undefined when it can. */
  async probe(nodeName: string, selection: Selection, signal: AbortSignal): Promise<ApplicationOutcome | undefined> {
    const { resource, namespace = "null", labelSelector, fieldSelector } = selection;
    const request = requestOf({
      id: "",
      key: `/${resource.group || "core"}/${resource.version}/${resource.resource}/${namespace}/null`,
      verb: "list",
      nodeName,
      option: { labelSelector, fieldSelector, limit: 1 },
      subresource: "",
    });
    const outcome = request && (await this.#send(nodeName, request, signal));
    return outcome?.kind === "rejected" ? outcome : undefined;
  }

  async #send(nodeName: string, request: DelegatedRequest, signal: AbortSignal): Promise<ApplicationOutcome> {
    const { status, text } = await this.#api.send(nodeUser(nodeName), request, signal);
    if (status >= 300) return { kind: "rejected", status: statusOfAnswer(status, text) };
    return { kind: "approved", responseBody: text };
  }
}

/** What a list or watch selects; undefined when its key names no collection. */
export function selectionOf({ key, option }: Application): Selection | undefined {
  const target = parseApplicationKey(key);
  if (!target) return undefined;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const { resource, namespace, name } = target;
  const asked = text(option["fieldSelector"]);
  // A watch of one object, as an older client asks for it.
  const named = name === undefined ? [] : [`metadata.name=${name}`];
  const fieldSelector = [...(asked === "" ? [] : [asked]), ...named].join(",");
  return { resource, namespace, labelSelector: text(option["labelSelector"]), fieldSelector };
}

/** Items of a list come without kind and apiVersion; a MetaServer of KubeEdge needs them. */
function withKinds(outcome: ApplicationOutcome): ApplicationOutcome {
  if (outcome.kind === "rejected" || outcome.responseBody === undefined) return outcome;
  const list: unknown = JSON.parse(outcome.responseBody);
  if (!isJsonObject(list) || !Array.isArray(list["items"]) || typeof list["kind"] !== "string") return outcome;
  const kind = list["kind"].replace(/List$/, "");
  const apiVersion = list["apiVersion"] ?? "v1";
  const items = list["items"].map((item) => (isJsonObject(item) ? { apiVersion, kind, ...item } : item));
  return { kind: "approved", responseBody: JSON.stringify({ ...list, items }) };
}

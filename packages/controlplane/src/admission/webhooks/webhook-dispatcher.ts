import { ConcurrencyLimit, describeError, isJsonObject, type Logger, type Random } from "@skerry/base";
import { ApiError, applyJsonPatch, badRequest, failureStatus, isApiError } from "@skerry/kube";
import { type ApiObject, asJsonObject, objectAt } from "../../registry/api-object.ts";
import type { ObjectStore } from "../../registry/object-store.ts";
import type { RequestContext } from "../../registry/request-context.ts";
import { forbidden } from "../../registry/status-errors.ts";
import { type ReviewAnswer, readReview, reviewRequest } from "./admission-review.ts";
import { reviewForm, withChanges } from "./review-form.ts";
import type { ReviewedWrite } from "./reviewed-write.ts";
import type { Webhook } from "./webhook.ts";
import type { WebhookCaller, WebhookResponse } from "./webhook-caller.ts";
import { serviceEndpoint } from "./webhook-endpoint.ts";
import type { Candidate, WebhookList } from "./webhook-list.ts";

/** Calls at once, of all requests together; more wait for their turn. */
const MOST_CALLS = 64;

/** What the dispatcher works with. */
export interface WebhookDispatcherOptions {
  readonly list: WebhookList;
  readonly store: ObjectStore;
  readonly caller: WebhookCaller;
  readonly random: Random;
  readonly logger: Logger;
}

/** Asks the webhooks that a write concerns, and makes one verdict of their answers. */
export class WebhookDispatcher {
  readonly #options: WebhookDispatcherOptions;
  readonly #limit = new ConcurrencyLimit(MOST_CALLS);

  constructor(options: WebhookDispatcherOptions) {
    this.#options = options;
  }

  /**
   * Asks mutating webhooks, one after the other; those that want it once more when a later one changed the object.
   * @returns the changed object; undefined when nobody changed it
   * @throws ApiError a denial, or InternalError when one that may not fail cannot be asked
   */
  async mutate(context: RequestContext, write: ReviewedWrite): Promise<ApiObject | undefined> {
    const candidates = this.#options.list.candidates("mutating", write);
    let object = write.object;
    let lastChange = -1;
    for (const [index, candidate] of candidates.entries()) {
      const changed = await this.#change(context, write, object, candidate);
      if (!changed) continue;
      object = changed;
      lastChange = index;
    }
    for (const candidate of candidates.slice(0, Math.max(lastChange, 0)))
      if (candidate.webhook.isReinvoked) object = (await this.#change(context, write, object, candidate)) ?? object;
    return object === write.object ? undefined : object;
  }

  /** Asks validating webhooks, all at once. @throws ApiError as {@link mutate} */
  async validate(context: RequestContext, write: ReviewedWrite): Promise<void> {
    const candidates = this.#options.list.candidates("validating", write);
    const answers = await Promise.allSettled(
      candidates.map((candidate) => this.#ask(context, write, write.object, candidate)),
    );
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  }

  async #change(
    context: RequestContext,
    write: ReviewedWrite,
    object: ApiObject | undefined,
    candidate: Candidate,
  ): Promise<ApiObject | undefined> {
    const answer = await this.#ask(context, write, object, candidate);
    if (!answer?.allowed || answer.patch === undefined || !object) return undefined;
    const { form } = candidate;
    const shown = reviewForm(write, object, form).object ?? object;
    try {
      const patched = applyJsonPatch(asJsonObject(shown), answer.patch);
      if (!isJsonObject(patched)) throw new Error("the patch does not leave an object");
      return withChanges(write, object, patched, form);
    } catch (error) {
      throw internal(describeError(error));
    }
  }

  /** Undefined when the webhook is not concerned, or could not be asked and may be passed over. */
  async #ask(
    context: RequestContext,
    write: ReviewedWrite,
    object: ApiObject | undefined,
    { webhook, form }: Candidate,
  ): Promise<ReviewAnswer | undefined> {
    if (!this.#selects(webhook, write, object)) return undefined;
    const uid = this.#options.random.uuid();
    const review = reviewRequest(uid, write, reviewForm(write, object, form), context);
    const verdict = webhook.conditions.judge({
      object: review["object"] ?? null,
      oldObject: review["oldObject"] ?? null,
      request: review,
    });
    if (verdict.verdict === "differs") return undefined;
    if (verdict.verdict === "failed") {
      if (webhook.ignoresFailures) return undefined;
      throw forbidden(write.definition.reference, write.name, verdict.reason);
    }
    if (context.dryRun && !webhook.maySeeDryRuns)
      throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
    try {
      if (webhook.fault !== undefined) throw new Error(webhook.fault);
      const version = webhook.reviewVersion;
      if (version === undefined)
        throw new Error("webhook does not accept known AdmissionReview versions (v1, v1beta1)");
      const body = { kind: "AdmissionReview", apiVersion: `admission.k8s.io/${version}`, request: review };
      const text = await this.#limit.run(() => this.#post(webhook, JSON.stringify(body)));
      const answer = readReview(text, version, uid, webhook.name);
      context.warnings.push(...answer.warnings);
      if (!answer.allowed) throw answer.denial;
      return answer;
    } catch (error) {
      if (isApiError(error)) throw error;
      const reason = `failed calling webhook ${JSON.stringify(webhook.name)}: ${describeError(error)}`;
      if (!webhook.ignoresFailures) throw internal(reason);
      this.#options.logger.warn("A webhook could not be asked and was passed over, as its failurePolicy has it", {
        error: reason,
      });
      return undefined;
    }
  }

  /** @throws Error why there is no answer */
  async #post(webhook: Webhook, body: string): Promise<string> {
    const { target, authorityPem, timeoutSeconds } = webhook;
    const base =
      target.at === "url" ? target.url : `https://${target.name}.${target.namespace}.svc:${target.port}${target.path}`;
    const url = `${base}?timeout=${timeoutSeconds}s`;
    let response: WebhookResponse;
    try {
      const endpoint =
        target.at === "url" ? undefined : this.#options.store.read((view) => serviceEndpoint(view, target));
      response = await this.#options.caller.post({
        url,
        authorityPem,
        body,
        timeoutMs: timeoutSeconds * 1000,
        ...(endpoint ? { endpoint } : {}),
      });
    } catch (error) {
      throw new Error(`failed to call webhook: Post ${JSON.stringify(url)}: ${describeError(error)}`);
    }
    if (response.status === 200) return response.text;
    throw new Error(`failed to call webhook: ${httpRefusal(response.status, response.text)}`);
  }

  /** A webhook is asked about objects in namespaces that its selector chooses, whose labels now or before are chosen too. */
  #selects(
    webhook: Webhook,
    { definition, namespace, previous }: ReviewedWrite,
    object: ApiObject | undefined,
  ): boolean {
    const isNamespace = definition.storageKey === "/namespaces";
    if (isNamespace || definition.reference.namespaced) {
      const holder = isNamespace
        ? (object ?? previous)
        : this.#options.store.read((view) => view.get({ resource: "/namespaces", namespace: "", name: namespace }));
      if (!webhook.matchesNamespace(holder && labelsOf(holder))) return false;
    }
    return [object, previous].some((each) => each && webhook.matchesObject(labelsOf(each)));
  }
}

/** What is posted to a subresource may have no metadata. */
function labelsOf(object: ApiObject): Record<string, string> {
  return objectAt(objectAt(asJsonObject(object), "metadata"), "labels") as Record<string, string>;
}

/** As a client of Kubernetes reads an HTTP status that brings no review. */
function httpRefusal(status: number, text: string): string {
  if (status === 404) return "the server could not find the requested resource";
  if (status === 503) return "the server is currently unable to handle the request";
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text.slice(0, 2048))}) has prevented the request from succeeding`;
  return `the server rejected our request for an unknown reason (HTTP status ${status})`;
}

function internal(reason: string): ApiError {
  return new ApiError(
    failureStatus(500, "InternalError", `Internal error occurred: ${reason}`, { causes: [{ message: reason }] }),
  );
}

import type { Status } from "@skerry/api";
import type { Timer } from "@skerry/base";
import {
  type Clock,
  describeError,
  isJsonObject,
  type JsonObject,
  type Logger,
  type Random,
  type Service,
} from "@skerry/base";
import { type DelegatedApi, failureStatus, type KubernetesApi } from "@skerry/kube";
import {
  type Application,
  type ApplicationOutcome,
  applicationContent,
  DYNAMIC_CONTROLLER_SOURCE,
  MAX_NODE_WATCHES,
  type Message,
  newMessage,
  parseApplication,
  WATCH_SET_RESOURCE,
} from "@skerry/link";
import type { CloudHubPort, UpstreamHandler } from "../cloudhub/cloud-hub-port.ts";
import { ApplicationAnswers, selectionOf } from "./application-answers.ts";
import { NodeAccess, ownPartOf, type Selection } from "./node-access.ts";
import { NodeWatches } from "./node-watches.ts";
import { RequestGate } from "./request-gate.ts";
import { notAnApplication, statusOfError, tooMany, unavailable, watchForbidden, watchLost } from "./statuses.ts";
import { WatchFeeds } from "./watch-feeds.ts";

export interface DynamicControllerOptions {
  /** With CloudCore's own rights; follows what nodes watch. */
  readonly api: KubernetesApi;
  /** With the nodes' rights; does all the rest. */
  readonly delegated: DelegatedApi;
  readonly cloudHub: CloudHubPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What is kept of a connected node. */
interface NodeWork extends Disposable {
  readonly gate: RequestGate;
  readonly watches: NodeWatches;
  readonly ended: AbortController;
}

/** The edge waits 10 s (wire.md 12.4). */
const REQUEST_TIMEOUT_MS = 9_000;
/** Nodes that are away whose watches are remembered; beyond it those that left first are forgotten. */
const MAX_AWAY = 1_000;
/** How often it is asked anew whether nodes may still watch what they watch. */
const RECHECK_MS = 5 * 60_000;

const WRITES: ReadonlySet<string> = new Set(["create", "update", "updatestatus", "patch", "delete"]);

/**
 * Leads the Kubernetes API to the nodes' MetaServers (cloud.md 5). Who asks, the node's certificate says; what it may do,
 * the API server: each request is sent in the node's name, and each watch is asked for before it begins.
 */
export class DynamicController implements Service {
  readonly #options: DynamicControllerOptions;
  readonly #logger: Logger;
  readonly #answers: ApplicationAnswers;
  readonly #access: NodeAccess;
  readonly #feeds: WatchFeeds;
  readonly #nodes = new Map<string, NodeWork>();
  /** Watches of nodes with KubeEdge's delivery that are away: such a node does not tell them again (edge.md 7.5). */
  readonly #away = new Map<string, readonly Application[]>();
  #registration: Disposable | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  #turnedAwayCount = 0;

  constructor(options: DynamicControllerOptions) {
    this.#options = options;
    this.#logger = options.logger.child("dynamiccontroller");
    this.#answers = new ApplicationAnswers(options.delegated);
    this.#access = new NodeAccess(options.api, options.clock);
    this.#feeds = new WatchFeeds({ ...options, logger: this.#logger });
  }

  /** Requests refused because too many of their node waited. */
  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  /** Different selections that are followed for nodes. */
  get feedCount(): number {
    return this.#feeds.size;
  }

  readonly upstream: UpstreamHandler = {
    handle: async (nodeName, message) => {
      const isSync = message.route.resource === WATCH_SET_RESOURCE;
      const work = this.#workOf(nodeName);
      const run = (): Promise<void> =>
        isSync ? this.#sync(nodeName, work, message) : this.#do(nodeName, work, message);
      const taken = work.gate.offer(run, JSON.stringify(message.content).length);
      if (taken) return;
      this.#turnedAwayCount++;
      this.#answer(nodeName, message, { kind: "rejected", status: tooMany("too many requests of this node wait") });
    },
  };

  async start(): Promise<void> {
    this.#registration = this.#options.cloudHub.onSession(({ kind, nodeName }) => {
      if (kind === "closed") this.#remember(nodeName);
      this.#forget(nodeName);
      if (kind === "opened") void this.#resume(nodeName);
    });
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#registration?.[Symbol.dispose]();
    for (const nodeName of [...this.#nodes.keys()]) this.#forget(nodeName);
    await this.#feeds[Symbol.asyncDispose]();
  }

  /** A session has begun or ended: what an older one asked for is nobody's any more. */
  #forget(nodeName: string): void {
    this.#nodes.get(nodeName)?.[Symbol.dispose]();
    this.#nodes.delete(nodeName);
  }

  #remember(nodeName: string): void {
    const applications = this.#nodes.get(nodeName)?.watches.applications ?? [];
    this.#away.delete(nodeName);
    if (applications.length > 0) this.#away.set(nodeName, applications);
    for (const oldest of this.#away.keys()) {
      if (this.#away.size <= MAX_AWAY) break;
      this.#away.delete(oldest);
    }
  }

  async #resume(nodeName: string): Promise<void> {
    const applications = this.#away.get(nodeName) ?? [];
    this.#away.delete(nodeName);
    if (this.#options.cloudHub.deliveryOf(nodeName) === "skerry") return;
    for (const application of applications) await this.#outcome(nodeName, this.#workOf(nodeName), application);
  }

  #workOf(nodeName: string): NodeWork {
    const known = this.#nodes.get(nodeName);
    if (known) return known;
    const { api, cloudHub } = this.#options;
    const gate = new RequestGate();
    const watches = new NodeWatches({ nodeName, api, cloudHub, stamp: this.#options });
    const ended = new AbortController();
    const work: NodeWork = {
      gate,
      watches,
      ended,
      [Symbol.dispose]() {
        gate.clear();
        watches[Symbol.dispose]();
        ended.abort();
      },
    };
    this.#nodes.set(nodeName, work);
    return work;
  }

  async #do(nodeName: string, work: NodeWork, message: Message): Promise<void> {
    const application = parseApplication(message.content);
    const outcome = application
      ? await this.#outcome(nodeName, work, application)
      : ({ kind: "rejected", status: notAnApplication() } as const);
    if (!work.ended.signal.aborted) this.#answer(nodeName, message, outcome);
  }

  /** The whole set of a node's watches: those it has not named end, those that are new begin (wire.md U30). */
  async #sync(nodeName: string, work: NodeWork, message: Message): Promise<void> {
    const rejected: JsonObject = {};
    const named = isJsonObject(message.content) ? Object.entries(message.content) : [];
    const wanted = named.slice(0, MAX_NODE_WATCHES).flatMap(([id, content]) => {
      const application = content === undefined ? undefined : parseApplication(content);
      return application ? [{ ...application, id }] : [];
    });
    const ids = new Set(wanted.map(({ id }) => id));
    for (const id of work.watches.ids) if (!ids.has(id)) work.watches.remove(id);
    for (const application of wanted) {
      if (work.watches.ids.has(application.id)) continue;
      const outcome = await this.#outcome(nodeName, work, application);
      if (outcome.kind === "rejected") rejected[application.id] = applicationContent(application, outcome);
    }
    if (work.ended.signal.aborted) return;
    this.#send(nodeName, message, WATCH_SET_RESOURCE, rejected);
  }

  async #outcome(nodeName: string, work: NodeWork, application: Application): Promise<ApplicationOutcome> {
    const { clock, cloudHub } = this.#options;
    const late = new AbortController();
    const timer = clock.setTimer(REQUEST_TIMEOUT_MS, () => late.abort());
    const signal = AbortSignal.any([late.signal, work.ended.signal]);
    try {
      if (application.verb === "watch") {
        const status = await this.#watch(nodeName, work, application, signal);
        return status ? { kind: "rejected", status } : { kind: "approved" };
      }
      if (WRITES.has(application.verb) && (await cloudHub.mayWrite(nodeName)) !== "live")
        return { kind: "rejected", status: unavailable("the node may be connected elsewhere by now; try again") };
      return await this.#answers.answer(nodeName, application, signal);
    } catch (error) {
      this.#logger.debug("A request of a MetaServer failed", {
        node: nodeName,
        verb: application.verb,
        key: application.key,
        error: describeError(error),
      });
      const isLate = late.signal.aborted;
      return { kind: "rejected", status: isLate ? tooLate() : statusOfError(error) };
    } finally {
      timer.cancel();
    }
  }

  /** Begins a watch; answers why not. */
  async #watch(
    nodeName: string,
    { watches }: NodeWork,
    application: Application,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    const asked = selectionOf(application);
    if (!asked) return notAnApplication();
    if (watches.ids.size >= MAX_NODE_WATCHES) return tooMany(`a node has at most ${MAX_NODE_WATCHES} watches`);
    const selection = await this.#permitted(nodeName, asked);
    if (!selection) return watchForbidden(nodeName, asked.resource.resource);
    const refusal = await this.#answers.probe(nodeName, selection, signal);
    if (refusal?.kind === "rejected") return refusal.status;
    using uses = new DisposableStack();
    const use = this.#feeds.use(selection);
    if (!use) return tooMany("CloudCore follows too many different selections for nodes");
    uses.use(use);
    await use.informer.whenSynced(signal);
    signal.throwIfAborted();
    const stands = watches.add(application, selection, use);
    uses.move();
    return stands ? undefined : watchLost();
  }

  /** The selection, or what of it is the node's own; undefined when it may watch neither. */
  async #permitted(nodeName: string, asked: Selection): Promise<Selection | undefined> {
    if (await this.#access.mayWatch(nodeName, asked)) return asked;
    const own = ownPartOf(nodeName, asked);
    return own && (await this.#access.mayWatch(nodeName, own)) ? own : undefined;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.setTimer(RECHECK_MS, () => {
      void this.#recheckAll().finally(() => this.#schedule());
    });
  }

  /** One after the other, so that many nodes are no burst for the API server. */
  async #recheckAll(): Promise<void> {
    for (const [nodeName, { watches }] of [...this.#nodes]) await this.#recheck(nodeName, watches);
  }

  async #recheck(nodeName: string, watches: NodeWatches): Promise<void> {
    for (const [id, selection] of watches.selections) {
      // Who cannot be asked says nothing against it.
      const isAllowed = await this.#access.mayWatch(nodeName, selection).catch(() => true);
      if (!isAllowed) watches.end(id, watchForbidden(nodeName, selection.resource.resource));
    }
  }

  #answer(nodeName: string, request: Message, outcome: ApplicationOutcome): void {
    const application = parseApplication(request.content);
    const content = application
      ? applicationContent({ ...application, nodeName }, outcome)
      : applicationContent({ id: "", key: "", verb: "get", nodeName, option: {}, subresource: "" }, outcome);
    this.#send(nodeName, request, "ignore/Application/ignore", content);
  }

  #send(nodeName: string, request: Message, resource: string, content: JsonObject): void {
    const route = { source: DYNAMIC_CONTROLLER_SOURCE, group: "resource", operation: "applicationResponse", resource };
    const message = newMessage(this.#options, route, content, { parentId: request.header.msg_id });
    this.#options.cloudHub.deliver(nodeName, message);
  }
}

function tooLate(): Status {
  return failureStatus(504, "Timeout", `the Kubernetes API did not answer within ${REQUEST_TIMEOUT_MS / 1000} s`);
}

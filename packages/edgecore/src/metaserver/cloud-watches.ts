import type { Status } from "@skerry/api";
import { type Clock, describeError, type Logger, type Random, RetrySchedule, type Timer } from "@skerry/base";
import { type Application, MAX_NODE_WATCHES } from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { busyStatus, tooMuchStatus } from "./api-exchange.ts";
import { applicationKey, resourceText } from "./api-path.ts";
import { type CloudApi, isPassing, listIn } from "./cloud-api.ts";
import type { LocalObjects } from "./local-objects.ts";
import { type Scope, scopeKey } from "./scope.ts";

export interface CloudWatchesPorts {
  readonly cloud: CloudApi;
  readonly cloudLink: CloudLink;
  readonly local: LocalObjects;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Use of a watch in the cloud, until it is disposed. */
export interface CloudWatchUse extends Disposable {
  /** Called when the cloud refuses the watch for good. */
  readonly onRefused: (listener: (status: Status) => void) => void;
}

interface CloudWatch {
  readonly scope: Scope;
  readonly application: Application;
  readonly refusedListeners: Set<(status: Status) => void>;
  users: number;
  /** Whether the cloud sends what changes, and what was there before is known. */
  isLive: boolean;
  /** What is under way to make it so. */
  starting: Promise<Status | undefined> | undefined;
  lingering: Timer | undefined;
}

/** A client that watches again soon finds the watch as it was. */
const LINGER_MS = 30_000;
const RETRY = { initialMs: 1_000, maximumMs: 30_000 };

/**
 * The watches that this node has in the cloud: one a scope, however many clients follow it. Each session of the link
 * begins with the whole set, and then with a list each, so that nothing is missed that happened in between.
 */
export class CloudWatches implements Disposable {
  readonly #ports: CloudWatchesPorts;
  readonly #watches = new Map<string, CloudWatch>();
  readonly #registration: Disposable;
  readonly #retry: RetrySchedule;
  #retryTimer: Timer | undefined;
  #isDisposed = false;

  constructor(ports: CloudWatchesPorts) {
    this.#ports = ports;
    this.#retry = new RetrySchedule(RETRY, ports.random);
    this.#registration = ports.cloudLink.onState(({ kind }) => {
      for (const watch of this.#watches.values()) watch.isLive = false;
      this.#retry.reset();
      if (kind === "connected") void this.#beginAnew();
    });
  }

  /** Whether somebody watches something of the kind. */
  watches(resource: string): boolean {
    return [...this.#watches.values()].some(({ scope }) => resourceText(scope.resource) === resource);
  }

  /** What is watched. */
  get scopes(): readonly Scope[] {
    return [...this.#watches.values()].map(({ scope }) => scope);
  }

  /**
   * Begins to watch the scope, or joins those who do. Answers a Status when the cloud refuses it. While the cloud cannot
   * be reached, what is here has to do; the watch begins as soon as it can.
   */
  async use(scope: Scope): Promise<CloudWatchUse | Status> {
    const key = scopeKey(scope);
    if (!this.#watches.has(key) && this.#watches.size >= MAX_NODE_WATCHES)
      return busyStatus(`this node watches ${MAX_NODE_WATCHES} different selections already`);
    const watch = this.#watches.get(key) ?? this.#add(key, scope);
    watch.users++;
    watch.lingering?.cancel();
    watch.lingering = undefined;
    if (!watch.isLive && this.#ports.cloud.isConnected) {
      const status = await this.#start(watch);
      if (status) {
        this.#release(key, watch);
        return status;
      }
    }
    const listeners: ((status: Status) => void)[] = [];
    let isUsed = true;
    return {
      onRefused: (listener) => {
        listeners.push(listener);
        watch.refusedListeners.add(listener);
      },
      [Symbol.dispose]: () => {
        if (!isUsed) return;
        isUsed = false;
        for (const listener of listeners) watch.refusedListeners.delete(listener);
        this.#release(key, watch);
      },
    };
  }

  /** The cloud has ended watches. */
  ended(rejected: ReadonlyMap<string, Status>): void {
    for (const watch of [...this.#watches.values()]) {
      const status = rejected.get(watch.application.id);
      if (status) this.#end(watch, status);
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#registration[Symbol.dispose]();
    this.#retryTimer?.cancel();
    for (const watch of this.#watches.values()) watch.lingering?.cancel();
  }

  #add(key: string, scope: Scope): CloudWatch {
    const { resource, namespace, labelSelector, fieldSelector } = scope;
    const option = { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
    const watch: CloudWatch = {
      scope,
      application: this.#ports.cloud.application({
        key: applicationKey(resource, namespace, ""),
        verb: "watch",
        option,
      }),
      refusedListeners: new Set(),
      users: 0,
      isLive: false,
      starting: undefined,
      lingering: undefined,
    };
    this.#watches.set(key, watch);
    return watch;
  }

  #release(key: string, watch: CloudWatch): void {
    watch.users--;
    if (watch.users > 0 || this.#watches.get(key) !== watch) return;
    const drop = (): void => {
      this.#watches.delete(key);
      if (this.#ports.cloud.isConnected) void this.#tell();
    };
    if (!watch.isLive) this.#watches.delete(key);
    else watch.lingering = this.#ports.clock.setTimer(LINGER_MS, drop);
  }

  /** One watch, beside those that stand. */
  #start(watch: CloudWatch): Promise<Status | undefined> {
    watch.starting ??= this.#begin(watch).finally(() => {
      watch.starting = undefined;
    });
    return watch.starting;
  }

  async #begin(watch: CloudWatch): Promise<Status | undefined> {
    const reply = await this.#ports.cloud.apply(watch.application);
    if (reply.kind === "approved") return this.#catchUp(watch);
    if (reply.kind === "rejected" && !isPassing(reply.status)) return reply.status;
    this.#tryAgain();
    return undefined;
  }

  /** Lists what there is, now that changes are sent; what is gone is noticed by it, too. */
  async #catchUp(watch: CloudWatch): Promise<Status | undefined> {
    const { cloud, local } = this.#ports;
    const { scope, application } = watch;
    const known = local.coverage(scope);
    const reply = await cloud.ask({ key: application.key, verb: "list", option: application.option });
    const list = reply.kind === "approved" ? listIn(reply.responseBody, scope.resource) : undefined;
    if (list) {
      if (!(await local.storeList(scope, list, known))) return tooMuchStatus(scope.resource.resource);
      watch.isLive = true;
      return undefined;
    }
    if (reply.kind === "rejected" && !isPassing(reply.status)) return reply.status;
    this.#tryAgain();
    return undefined;
  }

  async #beginAnew(): Promise<void> {
    try {
      const told = await this.#tell();
      if (!told) return this.#tryAgain();
      for (const watch of [...this.#watches.values()]) {
        if (watch.isLive) continue;
        const status = await this.#catchUp(watch);
        if (status) this.#end(watch, status);
      }
      this.#retry.reset();
    } catch (error) {
      this.#ports.logger.warn("Watches of this node's applications cannot go on yet", { error: describeError(error) });
      this.#tryAgain();
    }
  }

  /** Tells the cloud all watches; false when it could not be told. */
  async #tell(): Promise<boolean> {
    const watches = [...this.#watches.values()];
    const reply = await this.#ports.cloud.tellWatches(watches.map(({ application }) => application));
    if (reply.kind !== "told") return false;
    this.ended(reply.rejected);
    return true;
  }

  #end(watch: CloudWatch, status: Status): void {
    watch.isLive = false;
    if (isPassing(status) || status.code === 410) {
      this.#tryAgain();
      return;
    }
    this.#watches.delete(scopeKey(watch.scope));
    watch.lingering?.cancel();
    for (const listener of watch.refusedListeners) listener(status);
  }

  #tryAgain(): void {
    if (this.#retryTimer || this.#isDisposed) return;
    this.#retryTimer = this.#ports.clock.setTimer(this.#retry.nextDelayMs(), () => {
      this.#retryTimer = undefined;
      if (this.#ports.cloud.isConnected && this.#watches.size > 0) void this.#beginAnew();
    });
  }
}

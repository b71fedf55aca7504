import type { KubernetesObject } from "@skerry/api";
import {
  type Clock,
  describeError,
  isSkerryError,
  type JsonValue,
  Listeners,
  type Logger,
  type Random,
  type Service,
} from "@skerry/base";
import { ApiError } from "@skerry/kube";
import {
  acknowledgementOf,
  digestReport,
  errorFor,
  inventoryReports,
  isSetMessage,
  type Message,
  newMessage,
  type SetRequest,
  setRequestOf,
} from "@skerry/link";
import type { Database, Reader, Transaction } from "@skerry/store";
import type { CloudLink, DownstreamHandler } from "../edgehub/cloud-link.ts";
import { type CloudAnswer, readAnswer } from "./cloud-answer.ts";
import { type Instruction, readInstruction } from "./downstream.ts";
import { objectUnusable } from "./errors.ts";
import { heldDigests, heldEntries } from "./held-set.ts";
import type { MetaClient, ObjectChange, ObjectKey } from "./meta-store.ts";
import { ObjectFetches } from "./object-fetches.ts";
import { answeredKey, formatKey, withKind } from "./object-key.ts";
import { forgetVersions, readObject, readObjects, refreshObject, removeObject, storeObject } from "./object-table.ts";
import { OutageStory } from "./outage-story.ts";
import { type DrainPolicy, defaultDrainPolicy, OutboxDrainer } from "./outbox-drainer.ts";
import { defaultOutboxLimits, type OutboxLimits, OutboxTable, type QueuedEntry } from "./outbox-table.ts";

/** What MetaManager works with. */
export interface MetaManagerPorts {
  /** Opened with {@link metaManagerMigrations} among its migrations. */
  readonly database: Database;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface MetaManagerOptions {
  /** How long a query or call waits for the cloud's answer. @default 15000 */
  readonly requestTimeoutMs?: number;
  readonly outboxLimits?: OutboxLimits;
  readonly drainPolicy?: DrainPolicy;
}

/** How long after a `put` whose commit MetaManager cannot see the outbox is looked at. */
const UNSEEN_COMMIT_MS = 200;

/**
 * Keeps what the cloud gave this node and what the node has to tell the cloud, in SQLite. An object counts as received
 * once it is committed; only then is it acknowledged, and only then do the other modules hear of it.
 */
export class MetaManager implements MetaClient, DownstreamHandler, Service {
  readonly outbox: OutboxTable;
  readonly #ports: MetaManagerPorts;
  readonly #logger: Logger;
  readonly #requestTimeoutMs: number;
  readonly #listeners: Listeners<ObjectChange>;
  readonly #drainer: OutboxDrainer;
  readonly #story: OutageStory;
  readonly #fetches: ObjectFetches;
  readonly #waitingElsewhere: (() => readonly string[])[] = [];
  #outboxTouched = false;

  constructor(ports: MetaManagerPorts, options: MetaManagerOptions = {}) {
    this.#ports = ports;
    this.#logger = ports.logger.child("metamanager");
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 15_000;
    this.#listeners = new Listeners((error) =>
      this.#logger.error("A listener of object changes failed", { error: describeError(error) }),
    );
    this.#fetches = new ObjectFetches(this, (key, signal) => this.#query(key, signal));
    this.outbox = new OutboxTable(options.outboxLimits ?? defaultOutboxLimits, () => this.#expectCommit());
    this.#drainer = new OutboxDrainer(
      {
        source: {
          // Anew at each start: a database that was restored from a copy gives its numbers out once more.
          stream: ports.random.uuid(),
          first: (count) => ports.database.read((reader) => this.outbox.first(reader, count)),
          firstEvent: () => ports.database.read((reader) => this.outbox.firstEvent(reader)),
          settle: (entry, answer) => this.#settle(entry, answer),
        },
        cloudLink: ports.cloudLink,
        clock: ports.clock,
        random: ports.random,
        logger: this.#logger,
      },
      options.drainPolicy ?? defaultDrainPolicy,
    );
    this.#story = new OutageStory({
      ...ports,
      logger: this.#logger,
      waiting: () => [
        ...ports.database.read((reader) => this.outbox.keys(reader)),
        ...this.#waitingElsewhere.flatMap((waiting) => waiting()),
      ],
      lost: () => this.lost,
      onChange: (listener) => this.onChange(listener),
    });
  }

  /** What was lost of what had to reach the cloud, since the start. */
  get lost(): { readonly dropped: number; readonly refused: number } {
    return { dropped: this.outbox.droppedCount, refused: this.#drainer.refusedCount };
  }

  /** Says what else waits for the cloud, beside the outbox; for the story of an outage. */
  alsoWaiting(waiting: () => readonly string[]): void {
    this.#waitingElsewhere.push(waiting);
  }

  async start(): Promise<void> {
    this.#drainer.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#story[Symbol.dispose]();
    await this.#drainer[Symbol.asyncDispose]();
  }

  get<T extends KubernetesObject>(key: ObjectKey): T | undefined {
    // The caller knows which kind lives under which wire type; the store carries it unchanged.
    return this.read((reader) => readObject(reader, key)) as T | undefined;
  }

  list<T extends KubernetesObject>(type: string): T[] {
    return this.read((reader) => readObjects(reader, type)) as T[];
  }

  onChange(listener: (change: ObjectChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  read<T>(work: (reader: Reader) => T): T {
    return this.#ports.database.read(work);
  }

  async transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    const result = await this.#ports.database.transaction(work);
    if (this.#outboxTouched) {
      this.#outboxTouched = false;
      this.#drainer.wake();
    }
    return result;
  }

  async fetch<T extends KubernetesObject>(key: ObjectKey, signal?: AbortSignal): Promise<T> {
    const stored = this.get<T>(key);
    if (stored) return stored;
    return (await this.#fetches.get(key, signal)) as T;
  }

  async call<T extends KubernetesObject>(
    request: { readonly operation: string; readonly resource: string; readonly content: JsonValue },
    signal?: AbortSignal,
  ): Promise<T> {
    const { operation, resource, content } = request;
    const message = newMessage(this.#ports, { source: "edged", group: "meta", operation, resource }, content);
    const answer = readAnswer(await this.#ports.cloudLink.request(message, this.#requestTimeoutMs, signal));
    if (answer.kind === "refused") throw new ApiError(answer.status);
    const type = request.resource.split("/")[1] ?? "";
    const object =
      answer.kind === "object"
        ? answer.object
        : { apiVersion: "v1", kind: "Status", metadata: {}, status: "Success", code: 200 };
    // The caller names the kind that the route answers with.
    return withKind(type, object as unknown as T);
  }

  /**
   * Stores what a message says, commits, then acknowledges; a message that cannot be stored is answered with an error
   * instead, and the cloud sends it again. May be called for the next message before this one is done: the database
   * keeps the order.
   */
  async handle(message: Message): Promise<void> {
    if (isSetMessage(message)) {
      const request = setRequestOf(message);
      if (request) await this.#answerSetRequest(message, request);
      return;
    }
    try {
      const instruction = readInstruction(message);
      if (instruction.kind === "none") {
        this.#logger.debug("A message from the cloud asks for nothing", { why: instruction.why, ...message.route });
        return;
      }
      await this.#apply((transaction) => carryOut(transaction, instruction));
    } catch (error) {
      this.#logger.error("A message from the cloud could not be stored", {
        error: describeError(error),
        resource: message.route.resource,
        operation: message.route.operation,
      });
      this.#tell(errorFor(this.#ports, message, describeError(error), { source: "metamanager" }));
      return;
    }
    this.#tell(this.#acknowledgement(message));
  }

  /** Says what this node holds, or begins anew with it. */
  async #answerSetRequest(message: Message, request: SetRequest): Promise<void> {
    const { database } = this.#ports;
    if (request.kind === "incarnation") {
      this.#logger.warn(
        "The cluster was restored from an older state; what it says counts now, whatever was known here",
      );
      await database.transaction(forgetVersions);
      return;
    }
    // What came before is committed first: also what an older session brought.
    await database.transaction(() => undefined);
    const id = message.header.msg_id;
    const answers = this.read((reader) =>
      request.kind === "digest"
        ? [digestReport(this.#ports, id, heldDigests(reader, request.types))]
        : inventoryReports(this.#ports, id, heldEntries(reader, request.types)),
    );
    for (const answer of answers) this.#tell(answer);
  }

  /** KubeEdge's own form of acknowledgement for devices (wire.md 13.2). */
  #acknowledgement(message: Message): Message {
    const { source, operation } = message.route;
    const ofDevice = source === "devicecontroller" && (operation === "insert" || operation === "delete");
    return acknowledgementOf(this.#ports, message, ofDevice ? { source: "meta", group: "twin" } : {});
  }

  async #query(key: ObjectKey, signal: AbortSignal): Promise<KubernetesObject> {
    const resource = formatKey(key);
    const route = { source: "edged", group: "meta", operation: "query", resource };
    const query = newMessage(this.#ports, route, null);
    const reply = await this.#ports.cloudLink.request(query, this.#requestTimeoutMs, signal);
    const answer = readAnswer(reply);
    if (answer.kind === "refused") throw new ApiError(answer.status);
    const object = answer.kind === "object" ? answer.object : undefined;
    if (!object?.metadata.uid || object.metadata.name !== key.name) {
      throw objectUnusable(resource, "the answer is not the object that was asked for");
    }
    const known = withKind(key.type, object);
    await this.#apply((transaction) => storeObject(transaction, key, known));
    // The cloud repeats this reply until it is acknowledged (wire.md 18, W6).
    this.#tell(acknowledgementOf(this.#ports, reply));
    return this.get(key) ?? known;
  }

  /** Removes an answered entry and takes over the object in its answer, so that both happen or none. */
  async #settle(entry: QueuedEntry, answer: CloudAnswer): Promise<void> {
    const key = answer.kind === "object" ? answeredKey(entry.resource) : undefined;
    const object = answer.kind === "object" ? answer.object : undefined;
    await this.#apply((transaction) => {
      this.outbox.settle(transaction, entry.revision);
      return key && object?.metadata.uid ? refreshObject(transaction, key, withKind(key.type, object)) : [];
    });
  }

  /** Runs a change of objects and tells the listeners after its commit, in commit order. */
  async #apply(work: (transaction: Transaction) => ObjectChange[]): Promise<void> {
    const changes = await this.#ports.database.transaction(work);
    for (const change of changes) this.#listeners.emit(change);
  }

  /** Sends if there is a session. Without one the cloud has forgotten the question anyway. */
  #tell(message: Message): void {
    try {
      this.#ports.cloudLink.send(message);
    } catch (error) {
      if (!isSkerryError(error, "LINK_DISCONNECTED")) {
        this.#logger.warn("An acknowledgement could not be sent", { error: describeError(error) });
      }
    }
  }

  /** An entry was put within a transaction that may be one MetaManager does not see the end of. */
  #expectCommit(): void {
    if (this.#outboxTouched) return;
    this.#outboxTouched = true;
    this.#ports.clock.setTimer(UNSEEN_COMMIT_MS, () => {
      if (!this.#outboxTouched) return;
      this.#outboxTouched = false;
      this.#drainer.wake();
    });
  }
}

function carryOut(transaction: Transaction, instruction: Exclude<Instruction, { kind: "none" }>): ObjectChange[] {
  switch (instruction.kind) {
    case "store":
      return storeObject(transaction, instruction.key, instruction.object);
    case "delete":
      return instruction.uid === "" ? [] : removeObject(transaction, instruction.key, instruction);
  }
}

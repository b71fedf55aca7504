import { type KubernetesObject, leases, nodes } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { errorStatusOf, type LinkConnection, type Message, objectOf } from "@skerry/link";
import { type CloudControllers, startCloudControllers } from "../../cloud-controllers.ts";
import { CloudHub } from "../../cloudhub/cloud-hub.ts";
import type { RecordedEvent } from "./recording.ts";
import { ReplayedCluster } from "./replayed-cluster.ts";
import { ReplayedEdge } from "./replayed-edge.ts";

const NODE_NAME = "edge-node-1";

/** What the recorded cloud and ours said in a phase. */
export interface PhaseOutcome {
  /** Answers, in the order of the recording; `ours` is undefined when we gave none. */
  readonly answers: readonly {
    readonly request: Message;
    readonly theirs: Message;
    readonly ours: Message | undefined;
  }[];
  /** Answers of ours to what KubeEdge leaves unanswered. */
  readonly extraAnswers: readonly Message[];
  /** Messages that are no answers. */
  readonly theirs: readonly Message[];
  readonly ours: readonly Message[];
}

export interface PlayOptions {
  /** Which recorded changes were made while the link was cut. */
  readonly madeWhileAway?: (message: Message) => boolean;
  /** CloudCore is restarted while the link is cut. */
  readonly restartsCloud?: boolean;
}

/** CloudHub and the controllers over an API in memory, with a recorded edge in front. */
export class Replay implements AsyncDisposable {
  readonly cluster: ReplayedCluster;
  readonly memory: MemoryKubernetesApi;
  readonly #clock: ManualClock;
  #timeMs: number;
  #hub: CloudHub | undefined;
  #controllers: CloudControllers | undefined;
  #admit: (connection: LinkConnection) => void = () => undefined;
  #edge: ReplayedEdge | undefined;
  /** What came over connections that have ended since the phase began. */
  #received: Message[] = [];

  constructor(startMs: number) {
    this.#timeMs = startMs;
    this.#clock = new ManualClock(startMs);
    this.memory = new MemoryKubernetesApi({ now: () => this.#clock.now() });
    this.cluster = new ReplayedCluster(this.memory);
  }

  async start(): Promise<void> {
    const ports = { clock: this.#clock, random: new SeededRandom(7), logger: silentLogger };
    const hub = new CloudHub({
      ...ports,
      api: this.cluster.api,
      advertisedAddress: "192.0.2.2",
      listen: async (onConnection) => {
        this.#admit = onConnection;
        return { port: 0, [Symbol.asyncDispose]: async () => undefined };
      },
    });
    this.#hub = hub;
    this.#controllers = await startCloudControllers({
      ...ports,
      api: this.cluster.api,
      cloudHub: hub,
      installCustomResources: false,
      cloudCoreAddress: "192.0.2.2",
    });
    await hub.start(this.#controllers.handlers, this.#controllers.nodeObjects);
  }

  async stop(): Promise<void> {
    await this.#hub?.[Symbol.asyncDispose]();
    await this.#controllers?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Plays one phase. */
  async play(events: readonly RecordedEvent[], options: PlayOptions = {}): Promise<PhaseOutcome> {
    const { madeWhileAway = () => false, restartsCloud = false } = options;
    const answersById = new Map<string, Message>();
    const echoes = new Set<string>();
    for (const event of events) {
      if (event.kind !== "from-cloud" || !event.message.header.parent_msg_id) continue;
      answersById.set(event.message.header.parent_msg_id, event.message);
      const version = objectOf(event.message.content)?.metadata.resourceVersion;
      if (version) echoes.add(version);
    }
    const isEcho = (message: Message): boolean => echoes.has(message.header.resourceversion ?? "");
    const requests: Message[] = [];
    const theirs: Message[] = [];
    this.#received = [];
    this.#edge?.received.splice(0);
    const early = new Set<Message>();
    for (const [index, event] of events.entries()) {
      await this.#advanceTo(event.timeMs);
      switch (event.kind) {
        case "opened":
          this.#connect();
          break;
        case "closed":
          this.#disconnect();
          if (restartsCloud) {
            await this.stop();
            await this.start();
          }
          for (const later of events.slice(index)) {
            if (later.kind !== "from-cloud" || !isPush(later.message) || !madeWhileAway(later.message)) continue;
            early.add(later.message);
            await this.cluster.bringAbout(later.message, isEcho(later.message));
          }
          break;
        case "from-edge": {
          if (event.message.route.operation === "response") break;
          const answer = answersById.get(event.message.header.msg_id);
          if (answer) await this.#foresee(event.message, answer);
          const request = this.cluster.translated(event.message);
          requests.push(request);
          this.#edge?.feed(request);
          await settle();
          if (answer) this.cluster.learn(answer.content, this.#answerTo(request)?.content ?? null);
          break;
        }
        case "from-cloud":
          if (!isPush(event.message)) break;
          theirs.push(event.message);
          if (event.message.route.group === "resource" && !early.has(event.message))
            await this.cluster.bringAbout(event.message, isEcho(event.message));
          break;
      }
      await settle();
    }
    await settle();
    const ours = [...this.#received, ...(this.#edge?.received ?? [])];
    const answers = requests.flatMap((request) => {
      const theirAnswer = answersById.get(request.header.msg_id);
      return theirAnswer ? [{ request, theirs: theirAnswer, ours: this.#answerTo(request) }] : [];
    });
    const answered = new Set(answers.map(({ request }) => request.header.msg_id));
    return {
      answers,
      extraAnswers: ours.filter((message) => !isPush(message) && !answered.has(message.header.parent_msg_id ?? "")),
      theirs,
      ours: ours.filter(isPush),
    };
  }

  #connect(): void {
    this.#edge = new ReplayedEdge(NODE_NAME);
    this.#admit(this.#edge);
  }

  #disconnect(): void {
    this.#received.push(...(this.#edge?.received ?? []));
    this.#edge?.breakOff();
    this.#edge = undefined;
  }

  #answerTo(request: Message): Message | undefined {
    const all = [...this.#received, ...(this.#edge?.received ?? [])];
    return all.find(({ header }) => header.parent_msg_id === request.header.msg_id);
  }

  async #advanceTo(timeMs: number): Promise<void> {
    if (timeMs <= this.#timeMs) return;
    await this.#clock.advance(timeMs - this.#timeMs);
    this.#timeMs = timeMs;
  }

  /** Others than the edge made the recorded answer what it is: the API is brought to where it was then. */
  async #foresee(request: Message, answer: Message): Promise<void> {
    const [namespace = "", type, name = ""] = (request.route.resource ?? "").split("/");
    const failed = errorStatusOf(answer.content) !== undefined;
    if (type === "serviceaccounttoken") await this.cluster.ensure(objectNamed("ServiceAccount", namespace, name));
    if ((type === "configmap" || type === "secret") && !failed)
      await this.cluster.ensure(answer.content as unknown as KubernetesObject);
    // The garbage collector has removed a lease whose Node is gone.
    if (type === "lease" && failed && request.route.operation !== "insert")
      await this.cluster.remove({ resource: leases, namespace, name });
    if ((type === "nodepatch" || type === "podpatch") && !failed) await this.cluster.foresee(type, answer.content);
    if (type === "nodepatch" && failed) await this.cluster.remove({ resource: nodes, name });
  }
}

/** Whether a message of the cloud is no answer. */
function isPush(message: Message): boolean {
  return !message.header.parent_msg_id;
}

function objectNamed(kind: string, namespace: string, name: string): KubernetesObject {
  return { apiVersion: "v1", kind, metadata: { name, namespace } };
}

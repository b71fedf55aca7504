import { type Clock, describeError, type Logger, type Random } from "@skerry/base";
import { isTopicFilter, isTopicName, type Message } from "@skerry/link";
import type { CloudLink, DownstreamHandler } from "../edgehub/cloud-link.ts";
import { answerInWords, type RuleSources, serviceAnswer } from "../rules/index.ts";
import type { EventBus } from "./event-bus.ts";

export interface RuleMessagesPorts {
  readonly eventBus: EventBus;
  readonly topics: RuleSources;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the cloud's router wants of EventBus: topics to send up, and messages to publish (wire.md D20, D21). */
export class RuleMessages implements DownstreamHandler {
  readonly #ports: RuleMessagesPorts;
  readonly #logger: Logger;

  constructor(ports: RuleMessagesPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("eventbus");
  }

  /** Takes up the topics of before the restart. */
  start(): void {
    this.#ports.topics.load();
    this.#ports.eventBus.setRuleTopics(this.#ports.topics.values);
  }

  async handle(message: Message): Promise<void> {
    const { topics, eventBus } = this.#ports;
    const { operation, resource = "" } = message.route;
    switch (operation) {
      case "publish":
        return this.#publish(message, resource);
      case "subscribe":
        if (this.#isFilter(resource)) await topics.add(resource);
        break;
      case "unsubscribe":
        await topics.remove(resource);
        break;
      case "sources":
        if (!Array.isArray(message.content)) return;
        await topics.replace(
          message.content.filter((topic): topic is string => typeof topic === "string" && this.#isFilter(topic)),
        );
        break;
      default:
        this.#logger.debug("A message of the cloud's router is not understood", { operation, resource });
        return;
    }
    eventBus.setRuleTopics(topics.values);
  }

  #publish(message: Message, topic: string): void {
    const { eventBus, cloudLink } = this.#ports;
    const { content } = message;
    let answer = answerInWords(200, "message delivered");
    if (!isTopicName(topic)) answer = answerInWords(400, "The topic is none that can be published on.");
    else if (!eventBus.isConnected) answer = answerInWords(503, "The node's MQTT broker is away.");
    else eventBus.publish(topic, typeof content === "string" ? content : JSON.stringify(content));
    // KubeEdge's cloud does not wait for it.
    if (cloudLink.state.kind !== "connected" || cloudLink.state.delivery !== "skerry") return;
    try {
      cloudLink.send(serviceAnswer(this.#ports, message, "bus", answer));
    } catch (error) {
      this.#logger.debug("An answer to the cloud's router could not be sent", { reason: describeError(error) });
    }
  }

  /** A topic of a rule begins with its namespace; those of the system are none of a rule's. */
  #isFilter(text: string): boolean {
    if (isTopicFilter(text) && !text.startsWith("$")) return true;
    this.#logger.warn("A topic of the cloud's rules cannot be subscribed to", { topic: text.slice(0, 200) });
    return false;
  }
}

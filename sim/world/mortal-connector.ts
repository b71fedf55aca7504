import type { MqttConnector, MqttSession } from "@skerry/edgecore";
import type { CrashPoints } from "./crash-points.ts";
import type { ProcessLife } from "./process-life.ts";

/** The broker as one EdgeCore process sees it: when the process dies, its connection breaks and it hears nothing more. */
export class MortalConnector implements MqttConnector {
  readonly broker: string;
  readonly #connector: MqttConnector;
  readonly #life: ProcessLife;
  readonly #crashPoints: CrashPoints;
  #session: MqttSession | undefined;

  constructor(connector: MqttConnector, life: ProcessLife, crashPoints: CrashPoints) {
    this.#crashPoints = crashPoints;
    this.broker = connector.broker;
    this.#connector = connector;
    this.#life = life;
  }

  async connect(...[topicFilters, handlers, signal]: Parameters<MqttConnector["connect"]>): Promise<MqttSession> {
    const life = this.#life;
    const session = await life.whileAlive(
      this.#connector.connect(
        topicFilters,
        {
          onMessage: (message) => (life.alive ? life.whileAlive(handlers.onMessage(message)) : new Promise(() => {})),
          onClose: (reason) => {
            if (life.alive) handlers.onClose(reason);
          },
        },
        signal,
      ),
    );
    this.#session = session;
    return {
      publish: (topic, payload) =>
        life.alive
          ? life.whileAlive(this.#crashPoints.around("mqtt", () => session.publish(topic, payload)))
          : new Promise(() => {}),
      publishOnce: (topic, payload) => life.alive && session.publishOnce(topic, payload),
      subscribe: (topicFilter) =>
        life.alive ? life.whileAlive(session.subscribe(topicFilter)) : new Promise(() => {}),
      unsubscribe: (topicFilter) =>
        life.alive ? life.whileAlive(session.unsubscribe(topicFilter)) : new Promise(() => {}),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  }

  /** The process has died: the broker sees its connection end. */
  async drop(): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
    this.#session = undefined;
  }
}

import type { KubernetesObject } from "@skerry/api";
import { type JsonValue, type Logger, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { type Message, newMessage } from "@skerry/link";
import type { Database } from "@skerry/store";
import { EdgeHub } from "../../edgehub/edge-hub.ts";
import { FakeCloud } from "../../edgehub/testing/fake-cloud.ts";
import { MetaManager, type MetaManagerOptions } from "../meta-manager.ts";
import type { ObjectChange } from "../meta-store.ts";

/** EdgeHub and MetaManager over a given database, with the test as their cloud. */
export class EdgeWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom;
  readonly cloud: FakeCloud = new FakeCloud();
  readonly hub: EdgeHub;
  readonly meta: MetaManager;
  readonly changes: ObjectChange[] = [];

  constructor(database: Database, options?: MetaManagerOptions, logger: Logger = silentLogger, seed?: number) {
    this.random = new SeededRandom(seed);
    const ports = { clock: this.clock, random: this.random, logger };
    this.hub = new EdgeHub(
      { ...ports, dialer: this.cloud },
      { nodeName: "edge-1", projectId: "project", servers: ["192.0.2.1:10000"] },
    );
    this.meta = new MetaManager({ ...ports, cloudLink: this.hub, database }, options);
    this.hub.register("metamanager", this.meta);
    this.meta.onChange((change) => this.changes.push(change));
  }

  async connect(): Promise<void> {
    await this.meta.start();
    await this.hub.start();
    await this.clock.advance(0);
  }

  /** Sends a message as the cloud and waits until the edge is done with it. */
  async deliver(
    operation: string,
    resource: string,
    content: JsonValue | KubernetesObject,
    source = "edgecontroller",
  ): Promise<Message> {
    const message = newMessage(
      this,
      { source, group: "resource", operation, resource },
      content as JsonValue, // A typed object is JSON too.
    );
    this.cloud.connection.deliver(message);
    await this.clock.advance(0);
    return message;
  }

  /** What the edge answered to a message: operation, source, group and content. */
  answersTo(message: Message): string[] {
    return this.cloud.connection.received
      .filter((answer) => answer.header.parent_msg_id === message.header.msg_id)
      .map(
        ({ route, content }) =>
          `${route.operation} ${route.source} ${route.group} ${route.resource} ${typeof content === "string" ? content : JSON.stringify(content)}`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await this.meta[Symbol.asyncDispose]();
  }
}

/** A pod as small as the store takes it. */
export function pod(name: string, uid: string, resourceVersion: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", uid, resourceVersion } };
}

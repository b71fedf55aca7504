// By no message of any route can node edge-1 read, write or impersonate edge-2.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import {
  decodeMessage,
  encodeMessage,
  type LinkConnection,
  type Message,
  newMessage,
  ROUTES,
  type Route,
} from "@skerry/link";
import { SecuredCloud } from "./testing/secured-cloud.ts";
import { giveObjects, markOf, othersObjects } from "./testing/two-nodes.ts";

const VICTIM = "edge-2";
const OWN = "edge-1";

/** What each placeholder of a route's resource stands for in an attack. A new one must be thought of here. */
const PLACEHOLDERS: Readonly<Record<string, readonly string[]>> = {
  "<ns>": ["default", "kube-node-lease", "kubeedge", "null"],
  "<name>": [VICTIM],
  "<id>": [VICTIM],
  "<type>": [
    "node",
    "pod",
    "secret",
    "configmap",
    "lease",
    "persistentvolume",
    "persistentvolumeclaim",
    "device",
    "devicemodel",
    "serviceaccount",
    "serviceaccountaccess",
    "rule",
    "tokenreview",
  ],
};

/** Resources for routes that take any. */
const ANY_RESOURCE: readonly string[] = [
  "",
  `default/secret/${VICTIM}`,
  "kubeedge/secret/casecret",
  `node/${VICTIM}/default/secret/${VICTIM}`,
  `default/pod/${VICTIM}`,
  `device/default/${VICTIM}/twin/edge_updated`,
  `task/1/node/${VICTIM}`,
  `default/secret/${OWN}/../${VICTIM}`,
];

/** Operations for routes that take any. */
const ANY_OPERATION: readonly string[] = ["insert", "update", "delete", "patch", "query", "get", "list", "watch"];

/** Sources for routes that take any. */
const ANY_SOURCE: readonly string[] = ["edged", "metamanager", "twin", "edgecontroller", VICTIM];

/** Contents that would work for the victim itself. `uid` is its pod's. */
function contentsFor(resource: string, uid: string): readonly JsonValue[] {
  const [first = ""] = resource.split("/");
  const namespace = first === "null" || first === "" ? {} : { namespace: first };
  const metadata = { name: VICTIM, ...namespace };
  const status = {
    phase: "Failed",
    conditions: [{ type: "Ready", status: "False", lastHeartbeatTime: "2026-01-02T03:04:05Z" }],
  };
  const patch = JSON.stringify({ metadata: { uid, labels: { mark: "changed" } }, status });
  const whole = {
    metadata: { ...metadata, uid },
    spec: {
      nodeName: OWN,
      boundObjectRef: { kind: "Pod", name: VICTIM, uid },
      holderIdentity: OWN,
      renewTime: "2026-01-02T03:04:05.000000Z",
      containers: [],
      audiences: ["x"],
    },
    status,
    data: { value: "stolen" },
    involvedObject: { kind: "Pod", name: VICTIM, ...namespace },
    reason: "Stolen",
  };
  const reported = { value: "1", metadata: { timestamp: 1 } };
  return [
    null,
    { metadata },
    whole,
    { event: whole, data: patch },
    { UID: "", Status: status, ExtendResources: null },
    [{ Name: VICTIM, UID: uid, Status: status }],
    patch,
    uid,
    { event_id: "", timestamp: 1, twin: { temperature: { actual: reported, metadata: { type: "int" } } } },
    JSON.stringify({ event_id: "", timestamp: 1, device: { id: VICTIM, state: "online", last_online_time: "x" } }),
  ];
}

/** Every combination of the placeholders' values in the pattern. */
function resourcesOf(pattern: string): readonly string[] {
  if (pattern === "*") return ANY_RESOURCE;
  return pattern.split("/").reduce<readonly string[]>(
    (beginnings, part, index) => {
      const values = part.startsWith("<") ? PLACEHOLDERS[part] : [part];
      assert.ok(values, `${pattern} has a placeholder that this test does not know: ${part}`);
      return beginnings.flatMap((text) => values.map((value) => (index === 0 ? value : `${text}/${value}`)));
    },
    [""],
  );
}

function orAny(text: string, any: readonly string[]): readonly string[] {
  return text === "*" ? any : text.split("|");
}

/** Every message that an attacker could send by the route. */
function* attacksBy(route: Route, uid: string): Generator<Message> {
  for (const source of orAny(route.source, ANY_SOURCE))
    for (const operation of orAny(route.operation, ANY_OPERATION))
      for (const resource of resourcesOf(route.resource))
        for (const content of contentsFor(resource, uid)) {
          const group = route.group === "*" ? "resource" : route.group;
          yield newMessage({ clock, random }, { source, group, operation, resource }, content);
        }
}

/** A session whose frames are kept, and which can be asked. */
class Node {
  readonly #connection: LinkConnection;
  readonly received: string[] = [];
  readonly #waiting = new Map<string, (message: Message) => void>();
  closed: string | undefined;

  constructor(connection: LinkConnection) {
    this.#connection = connection;
    connection.start({
      onFrame: (text) => {
        this.received.push(text);
        const message = decodeMessage(text);
        this.#waiting.get(message.header.parent_msg_id ?? "")?.(message);
      },
      onClose: ({ reason }) => {
        this.closed = reason;
        for (const settle of this.#waiting.values()) settle(newMessage({ clock, random }, {}, reason));
      },
    });
  }

  send(message: Message): void {
    this.#connection.send(encodeMessage(message));
  }

  ask(operation: string, resource: string): Promise<Message> {
    const message = newMessage({ clock, random }, { source: "edged", group: "meta", operation, resource }, null);
    const answer = new Promise<Message>((resolve) => this.#waiting.set(message.header.msg_id, resolve));
    this.send(message);
    return answer;
  }

  close(): void {
    this.#connection.close(1000, "done");
  }
}

async function connect(cloud: SecuredCloud, nodeName: string): Promise<Node> {
  return new Node(await cloud.dial(await cloud.certificate(nodeName), nodeName));
}

test("the attack is a real one: a node does get its own Secret by such a message", async () => {
  await using cloud = await SecuredCloud.start({ prepare: (api) => giveObjects(api, VICTIM) });
  const victim = await connect(cloud, VICTIM);
  const answer = await victim.ask("query", `default/secret/${VICTIM}`);
  assert.ok(JSON.stringify(answer.content).includes(markOf(VICTIM)));
  victim.close();
});

for (const route of ROUTES.filter(({ direction }) => direction === "up"))
  test(`by ${route.id} ${route.source} ${route.group} ${route.operation} ${route.resource} a node gets at nothing of another`, async () => {
    const cloud = await SecuredCloud.start({
      prepare: async (api) => {
        await giveObjects(api, OWN);
        await giveObjects(api, VICTIM);
      },
    });
    try {
      let node = await connect(cloud, OWN);
      const { uid = "" } = (await cloud.api.get({ resource: pods, namespace: "default", name: VICTIM })).metadata;
      const before = await othersObjects(cloud.api, OWN);
      const received: string[] = [];
      for (const attack of attacksBy(route, uid)) {
        // A message that ends the session is a refusal too; the next one comes in a new session.
        if (node.closed !== undefined) {
          received.push(...node.received);
          node = await connect(cloud, OWN);
        }
        node.send(attack);
      }
      if (node.closed !== undefined) {
        received.push(...node.received);
        node = await connect(cloud, OWN);
      }
      // Messages of a node are handled in their order.
      await node.ask("query", `default/secret/${OWN}`);
      received.push(...node.received);
      node.close();
      for (const text of received) assert.ok(!text.includes(markOf(VICTIM)), `${route.id} told ${text.slice(0, 500)}`);
      await cloud[Symbol.asyncDispose]();
      assert.equal(await othersObjects(cloud.api, OWN), before);
    } finally {
      await cloud[Symbol.asyncDispose]();
    }
  });

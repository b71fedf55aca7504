// `hostile-node.ts KIND`, a process of its own: a node with a good certificate and bad manners. KIND `flood` asks without
// end, as fast as the link takes it, and reads the answers; `deaf` asks and never reads. Its parameters come by IPC; it
// tells by IPC that it is connected, each second how many messages it has sent, and ends with its parent.
import { silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { type CredentialStore, Enrolment, type NodeCredentials } from "@skerry/edgecore";
import { httpsEnrolmentClient } from "@skerry/edgecore/platform";
import { DELIVERY_HEADER, encodeMessage, newMessage, OFFERED_DELIVERY } from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";

/** What its parent sends a hostile node. */
export interface HostilePlan {
  readonly nodeName: string;
  readonly token: string;
  /** `host:port`, and the address of the HTTPS server. */
  readonly websocket: string;
  readonly https: string;
}

/** What a hostile node tells its parent. */
export interface HostileSign {
  readonly connections: number;
  readonly sent: number;
}

const AT_ONCE = 500;
const BUFFERED_BYTES = 1024 * 1024;
const PROJECT = "e632aba927ea4ac2b575ec1603d56f10";

const isDeaf = process.argv[2] === "deaf";
const never = new AbortController().signal;
const plan = await new Promise<HostilePlan>((resolve) =>
  process.once("message", (told) => resolve(told as HostilePlan)),
);
process.on("disconnect", () => process.exit());
const stored: { credentials?: NodeCredentials } = {};
const store: CredentialStore = {
  location: "memory",
  read: async () => stored.credentials,
  write: async (credentials) => {
    stored.credentials = credentials;
  },
  readTokenId: async () => undefined,
  writeTokenId: async () => undefined,
  readPendingKey: async () => undefined,
  writePendingKey: async () => undefined,
};
const enrolment = new Enrolment(
  { http: httpsEnrolmentClient, store, pki: systemPki, clock, random, logger: silentLogger },
  { nodeName: plan.nodeName, httpServer: plan.https, token: plan.token },
);
await enrolment.ensure(never);
const { credentials } = stored;
if (!credentials) throw new Error("not enrolled");
const dialer = new WebSocketDialer({
  credentials: async () => ({
    authorityPem: certificatePem(credentials.authorityDer),
    ...keyedCertificatePem(credentials),
  }),
});
const sign = { connections: 0, sent: 0 };
setInterval(() => process.send?.(sign), 1_000);
for (;;) {
  const closed = await misbehave().catch(() => "refused");
  if (closed !== "") await new Promise((resolve) => setTimeout(resolve, 1_000));
}

/** One connection until CloudCore ends it. */
async function misbehave(): Promise<string> {
  const { nodeName, websocket } = plan;
  const headers = { node_id: nodeName, project_id: PROJECT, ConnectionUse: "msg", [DELIVERY_HEADER]: OFFERED_DELIVERY };
  const connection = await dialer.dial(`wss://${websocket}/${PROJECT}/${nodeName}/events`, headers, never);
  sign.connections += 1;
  const ended = Promise.withResolvers<string>();
  connection.start({ onFrame: () => undefined, onClose: ({ reason }) => ended.resolve(reason) });
  if (isDeaf) connection.pause();
  let open = true;
  ended.promise.then(() => (open = false));
  const resource = `default/node/${nodeName}`;
  while (open) {
    for (let count = 0; count < AT_ONCE && connection.bufferedBytes < BUFFERED_BYTES; count++) {
      const route = { source: "edged", group: "meta", operation: "query", resource };
      connection.send(encodeMessage(newMessage({ clock, random }, route, null)));
      sign.sent += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return ended.promise;
}

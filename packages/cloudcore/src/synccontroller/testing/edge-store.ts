import { ManualClock, SeededRandom } from "@skerry/base/testing";
import {
  digestOf,
  digestReport,
  inventoryReports,
  type Message,
  type MessageStamp,
  objectOf,
  parseObjectPath,
  type SetEntry,
  type SetReport,
  setReportOf,
  setRequestOf,
} from "@skerry/link";

/** What an edge holds: it takes newer versions of an object and deletions of that very object. */
export class EdgeStore {
  readonly objects: Map<string, { readonly uid: string; readonly version: number }> = new Map();
  /** Objects that went back in version. */
  readonly wentBack: string[] = [];
  /** Kinds of the questions that it was asked. */
  readonly asked: string[] = [];
  readonly #stamp: MessageStamp = { clock: new ManualClock(), random: new SeededRandom(99) };

  /** Takes a message; returns what it answers to a question about what it holds. */
  apply(message: Message): SetReport[] {
    const { route, content, header } = message;
    const request = setRequestOf(message);
    if (request) {
      this.asked.push(request.kind);
      return this.#answer(message);
    }
    const uid = objectOf(content)?.metadata.uid;
    const resource = route.resource ?? "";
    if (route.group !== "resource" || uid === undefined) return [];
    const held = this.objects.get(resource);
    if (route.operation === "delete") {
      if (held?.uid === uid) this.objects.delete(resource);
      return [];
    }
    const version = Number(header.resourceversion);
    if (held && held.uid === uid && version < held.version) this.wentBack.push(`${resource} ${version}`);
    this.objects.set(resource, { uid, version });
    return [];
  }

  #answer(message: Message): SetReport[] {
    const request = setRequestOf(message);
    const id = message.header.msg_id;
    if (request?.kind === "incarnation")
      for (const [resource, { uid }] of this.objects) this.objects.set(resource, { uid, version: 0 });
    if (!request || request.kind === "incarnation") return [];
    const entries = this.#entries().filter(({ type }) => request.types.includes(type));
    const digests = new Map(
      request.types.map((type) => [type, digestOf(entries.filter((each) => each.type === type))]),
    );
    const answers =
      request.kind === "digest" ? [digestReport(this.#stamp, id, digests)] : inventoryReports(this.#stamp, id, entries);
    return answers.flatMap((answer) => setReportOf(answer) ?? []);
  }

  #entries(): SetEntry[] {
    return [...this.objects].flatMap(([resource, { uid, version }]) => {
      const path = parseObjectPath(resource);
      if (!path) return [];
      const { type, namespace = "", name = "" } = path;
      return [{ type, namespace, name, uid, resourceVersion: String(version) }];
    });
  }
}

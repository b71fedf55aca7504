import type { Endpoint, LocalService, ServicePort, Target } from "./local-services.ts";

/** A record as the name server gives it out. */
export type NameRecord =
  | { readonly type: "A" | "AAAA"; readonly name: string; readonly address: string }
  | { readonly type: "SRV"; readonly name: string; readonly target: string; readonly port: number };

/** What the cluster's zone says to a question. */
export type ZoneAnswer =
  /** The name is not of the cluster: others know. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "no-such-name" }
  | { readonly kind: "records"; readonly records: readonly NameRecord[]; readonly service?: LocalService }
  | { readonly kind: "alias"; readonly target: string };

const NOTHING: ZoneAnswer = { kind: "records", records: [] };

/** The names of the Services of one node, as the cluster's DNS has them (the Kubernetes DNS specification, 1.1). */
export class ServiceZone {
  readonly #domain: string;
  readonly #services = new Map<string, LocalService>();
  readonly #namespaces = new Set<string>();

  /** @param domain the cluster's, e.g. `cluster.local` */
  constructor(domain: string, services: readonly LocalService[]) {
    this.#domain = domain.toLowerCase();
    for (const service of services) {
      this.#services.set(`${service.namespace}/${service.name}`, service);
      this.#namespaces.add(service.namespace);
    }
  }

  /**
   * @param name as asked, without a dot at its end
   * @param type of record: `A`, `AAAA`, `SRV`, …
   */
  lookUp(name: string, type: string): ZoneAnswer {
    const asked = name.toLowerCase();
    if (asked !== this.#domain && !asked.endsWith(`.${this.#domain}`)) return { kind: "elsewhere" };
    const labels = asked.slice(0, -this.#domain.length - 1).split(".");
    if (asked === this.#domain || asked === `svc.${this.#domain}`) return NOTHING;
    if (labels.pop() !== "svc") return { kind: "no-such-name" };
    const namespace = labels.pop() ?? "";
    const serviceName = labels.pop();
    if (serviceName === undefined) return this.#namespaces.has(namespace) ? NOTHING : { kind: "no-such-name" };
    const service = this.#services.get(`${namespace}/${serviceName}`);
    if (!service) return { kind: "no-such-name" };
    const base = `${serviceName}.${namespace}.svc.${this.#domain}`;
    if (service.kind === "external")
      return labels.length === 0 ? { kind: "alias", target: service.target } : { kind: "no-such-name" };
    const [first = "", second] = labels;
    if (labels.length === 0) return records(service, addressRecords(asked, type, serviceAddresses(service)));
    if (labels.length === 2 && second !== undefined) return portAnswer(service, asked, base, [first, second], type);
    return labels.length === 1 ? endpointAnswer(service, asked, type, first) : { kind: "no-such-name" };
  }
}

type ServedService = Exclude<LocalService, { readonly kind: "external" }>;

function records(service: ServedService, found: readonly NameRecord[]): ZoneAnswer {
  return { kind: "records", records: found, service };
}

function serviceAddresses(service: ServedService): readonly string[] {
  return service.kind === "cluster" ? service.addresses : service.endpoints.flatMap(({ addresses }) => addresses);
}

/** `_http._tcp.web.plant.svc…` */
function portAnswer(
  service: ServedService,
  name: string,
  base: string,
  [portLabel, protocolLabel]: readonly [string, string],
  type: string,
): ZoneAnswer {
  const port = service.ports.find(
    (each) => portLabel === `_${each.name.toLowerCase()}` && protocolLabel === `_${each.protocol.toLowerCase()}`,
  );
  if (!port || port.name === "") return { kind: "no-such-name" };
  if (type !== "SRV") return records(service, []);
  return records(service, portRecords(service, port, name, base));
}

function portRecords(service: ServedService, port: ServicePort, name: string, base: string): NameRecord[] {
  if (service.kind === "cluster") return [{ type: "SRV", name, target: base, port: port.port }];
  return port.targets.map(({ endpoint, port: number }: Target) => ({
    type: "SRV",
    name,
    target: `${endpointLabel(endpoint)}.${base}`,
    port: number,
  }));
}

/** `db-0.db.plant.svc…`: only a headless Service tells its endpoints apart. */
function endpointAnswer(service: ServedService, name: string, type: string, label: string): ZoneAnswer {
  const found = service.kind === "headless" && service.endpoints.find((each) => endpointLabel(each) === label);
  return found ? records(service, addressRecords(name, type, found.addresses)) : { kind: "no-such-name" };
}

/** A pod without a name of its own below the Service is called by its address. */
function endpointLabel({ hostname, addresses: [address = ""] }: Endpoint): string {
  return hostname?.toLowerCase() ?? address.replace(/[.:]/g, "-");
}

function addressRecords(name: string, type: string, addresses: readonly string[]): NameRecord[] {
  if (type !== "A" && type !== "AAAA") return [];
  return addresses
    .filter((address) => address.includes(":") === (type === "AAAA"))
    .map((address) => ({ type, name, address }));
}

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { localServices } from "./local-services.ts";
import { ServiceZone } from "./service-zone.ts";
import { localPod, service } from "./testing/service-objects.ts";

const ports = [{ name: "sql", port: 5432, targetPort: 8080 }];
const zone = new ServiceZone(
  "cluster.local",
  localServices(
    [
      service("web", { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ name: "http", port: 80 }] }),
      service("db", { clusterIP: "None", selector: { app: "db" }, ports }),
      service("far", { type: "ExternalName", externalName: "far.example" }),
    ],
    [localPod("db-0", "10.244.1.2", { hostname: "db-0", subdomain: "db" }), localPod("db-1", "10.244.1.3")],
    "cluster.local",
  ),
);

/** What is answered, in short. */
function answer(name: string, type = "A"): string {
  const found = zone.lookUp(name, type);
  if (found.kind === "alias") return `alias ${found.target}`;
  if (found.kind !== "records") return found.kind;
  return found.records
    .map((record) => (record.type === "SRV" ? `${record.target}:${record.port}` : record.address))
    .join(" ");
}

test("a Service's name leads to its cluster address, a headless one's to its pods", () => {
  assert.equal(answer("web.plant.svc.cluster.local"), "10.96.3.4");
  assert.equal(answer("WEB.Plant.svc.Cluster.local"), "10.96.3.4");
  assert.equal(answer("db.plant.svc.cluster.local"), "10.244.1.2 10.244.1.3");
  assert.equal(answer("far.plant.svc.cluster.local"), "alias far.example");
});

test("a name that has no record of the type is answered with none; a name that there is not with that", () => {
  assert.equal(answer("web.plant.svc.cluster.local", "AAAA"), "");
  assert.equal(answer("web.plant.svc.cluster.local", "TXT"), "");
  for (const known of ["cluster.local", "svc.cluster.local", "plant.svc.cluster.local"])
    assert.equal(answer(known), "");
  for (const unknown of ["no.plant", "web.no", "no", "a.web.plant", "a.b.web.plant", "a.b.c.web.plant", "x.far.plant"])
    assert.equal(answer(`${unknown}.svc.cluster.local`), "no-such-name", unknown);
  assert.equal(answer("web.plant.pod.cluster.local"), "no-such-name");
});

test("pods of a headless Service have names of their own, by host name or address", () => {
  assert.equal(answer("db-0.db.plant.svc.cluster.local"), "10.244.1.2");
  assert.equal(answer("10-244-1-3.db.plant.svc.cluster.local"), "10.244.1.3");
  assert.equal(answer("10-244-1-2.db.plant.svc.cluster.local"), "no-such-name");
});

test("SRV records tell a named port", () => {
  assert.equal(answer("_http._tcp.web.plant.svc.cluster.local", "SRV"), "web.plant.svc.cluster.local:80");
  assert.equal(
    answer("_sql._tcp.db.plant.svc.cluster.local", "SRV"),
    "db-0.db.plant.svc.cluster.local:8080 10-244-1-3.db.plant.svc.cluster.local:8080",
  );
  assert.equal(answer("_http._udp.web.plant.svc.cluster.local", "SRV"), "no-such-name");
});

test("whatever is asked for outside of the cluster's domain is for others to answer", () => {
  fc.assert(
    fc.property(fc.domain(), fc.constantFrom("A", "AAAA", "SRV"), (name, type) => {
      assert.equal(zone.lookUp(name, type).kind, "elsewhere");
    }),
  );
  assert.equal(answer("notcluster.local"), "elsewhere");
});

test("no name below the domain is anything but answered here", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("web", "plant", "svc", "db", "_sql", "_tcp", "")), (labels) => {
      assert.notEqual(zone.lookUp([...labels, "cluster", "local"].join("."), "A").kind, "elsewhere");
    }),
  );
});

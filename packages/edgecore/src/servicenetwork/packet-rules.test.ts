import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpFamily, Service } from "@skerry/api";
import { type LocalPod, localServices } from "./local-services.ts";
import { type NameServerPlace, packetRules } from "./packet-rules.ts";
import { localPod, service } from "./testing/service-objects.ts";

const chains = { services: "SVC", masquerade: "MASQ", filter: "FLT" };
const pods = [localPod("web-1", "10.244.1.2"), localPod("web-2", "10.244.1.3"), localPod("web-3", "10.244.1.4")];

function rules(
  specs: Record<string, Service["spec"]>,
  nameServers: NameServerPlace[] = [],
  family: IpFamily = "IPv4",
): string[] {
  const services = Object.entries(specs).map(([name, spec]) => service(name, spec));
  return packetRules(localServices(services, pods, "cluster.local"), nameServers, chains, family).split("\n");
}

test("each endpoint gets its share of the connections, and they come back by the node", () => {
  const lines = rules({
    web: { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  const start = "-A SVC -d 10.96.3.4/32 -p tcp -m tcp --dport 80";
  assert.deepEqual(lines, [
    "*nat",
    ":SVC - [0:0]",
    ":MASQ - [0:0]",
    `${start} -m statistic --mode random --probability 0.3333333333 -j DNAT --to-destination 10.244.1.2:8080`,
    `${start} -m statistic --mode random --probability 0.5000000000 -j DNAT --to-destination 10.244.1.3:8080`,
    `${start} -j DNAT --to-destination 10.244.1.4:8080`,
    "-A MASQ -m conntrack --ctstate DNAT --ctorigdst 10.96.3.4/32 -j MASQUERADE",
    "COMMIT",
    "*filter",
    ":FLT - [0:0]",
    "COMMIT",
    "",
  ]);
});

test("a Service without endpoints here is refused at once; headless and external ones need no rules", () => {
  const lines = rules({
    api: { clusterIP: "10.96.0.1", ports: [{ port: 443 }] },
    db: { clusterIP: "None", selector: { app: "web" }, ports: [{ port: 5432 }] },
    far: { type: "ExternalName", externalName: "far.example" },
    time: { clusterIP: "10.96.0.9", selector: { app: "no" }, ports: [{ port: 123, protocol: "UDP" }] },
  });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("-A")),
    [
      "-A FLT -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j REJECT",
      "-A FLT -d 10.96.0.9/32 -p udp -m udp --dport 123 -j REJECT",
    ],
  );
});

test("a client stays with its endpoint where the Service says so, counted from its last connection", () => {
  const lines = rules({
    web: { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ port: 80 }], sessionAffinity: "ClientIP" },
  });
  const known = lines.filter((line) => line.includes("--update --seconds 10800 --reap"));
  const chosen = lines.filter((line) => line.includes("--set -j DNAT"));
  assert.deepEqual([known.length, chosen.length], [3, 3]);
  assert.ok(lines.indexOf(known[2] ?? "") < lines.indexOf(chosen[0] ?? ""));
});

test("pods' questions for names lead to the node's name server, and nobody else is let in there", () => {
  const lines = rules({}, [{ address: "10.244.1.1", prefixLength: 24, port: 40_000 }]);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("-A")),
    [
      "-A SVC -d 10.244.1.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.244.1.1:40000",
      "-A SVC -d 10.244.1.1/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 10.244.1.1:40000",
      "-A FLT -d 10.244.1.1/32 -p udp -m udp --dport 40000 -s 10.244.1.1/24 -j ACCEPT",
      "-A FLT -d 10.244.1.1/32 -p tcp -m tcp --dport 40000 -s 10.244.1.1/24 -j ACCEPT",
    ],
  );
});

test("each family has rules of its own: its addresses, its endpoints, its name server", () => {
  const both: Service["spec"] = {
    clusterIPs: ["10.96.3.4", "fd00:10:96::4"],
    ipFamilies: ["IPv4", "IPv6"],
    selector: { app: "both" },
    ports: [{ port: 80, targetPort: 8080 }],
  };
  const services = [service("both", both)];
  const places = [{ address: "fd00:7::1", prefixLength: 64, port: 40_001 }];
  const ofBoth = localPod("both-1", "10.244.1.5");
  ofBoth.status.podIPs?.push({ ip: "fd00:7::5" });
  const made = (local: LocalPod[], family: IpFamily): string[] =>
    packetRules(localServices(services, local, "cluster.local"), places, chains, family)
      .split("\n")
      .filter((line) => line.startsWith("-A"));
  const start6 = "-A SVC -d fd00:10:96::4/128 -p tcp -m tcp --dport 80";
  assert.deepEqual(made([ofBoth, localPod("both-2", "10.244.1.6")], "IPv6"), [
    "-A SVC -d fd00:7::1/128 -p udp -m udp --dport 53 -j DNAT --to-destination [fd00:7::1]:40001",
    "-A SVC -d fd00:7::1/128 -p tcp -m tcp --dport 53 -j DNAT --to-destination [fd00:7::1]:40001",
    `${start6} -j DNAT --to-destination [fd00:7::5]:8080`,
    "-A MASQ -m conntrack --ctstate DNAT --ctorigdst fd00:10:96::4/128 -j MASQUERADE",
    "-A FLT -d fd00:7::1/128 -p udp -m udp --dport 40001 -s fd00:7::1/64 -j ACCEPT",
    "-A FLT -d fd00:7::1/128 -p tcp -m tcp --dport 40001 -s fd00:7::1/64 -j ACCEPT",
  ]);
  assert.ok(
    made([localPod("both-2", "10.244.1.6")], "IPv6").includes(
      "-A FLT -d fd00:10:96::4/128 -p tcp -m tcp --dport 80 -j REJECT",
    ),
  );
  assert.deepEqual(made([ofBoth], "IPv4"), [
    "-A SVC -d 10.96.3.4/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.5:8080",
    "-A MASQ -m conntrack --ctstate DNAT --ctorigdst 10.96.3.4/32 -j MASQUERADE",
  ]);
});

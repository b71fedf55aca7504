import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "@skerry/api";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const IPV4 = /^10\.96\.\d+\.\d+$/;
const IPV6 = /^fd00:10:96::[0-9a-f]{1,4}$/;

type Spec = Service["spec"] & { readonly ipFamilyPolicy: string };
/** What was told: the Service's spec, or why not. */
type Told = Spec | string;

async function ask(server: TestApiServer, method: "POST" | "PATCH", name: string, spec: object): Promise<Told> {
  const isNew = method === "POST";
  const { body } = await server.call(method, isNew ? SERVICES : `${SERVICES}/${name}`, {
    body: isNew ? { metadata: { name }, spec: { selector: { app: "x" }, ports: [{ port: 80 }], ...spec } } : { spec },
    ...(isNew ? {} : { contentType: "application/merge-patch+json" }),
  });
  return body["kind"] === "Status" ? String(body["message"]).replace(/^.* is invalid: /, "") : (body["spec"] as Spec);
}

function families(told: Told): unknown {
  if (typeof told === "string") return told;
  const addresses = told.clusterIPs ?? [];
  assert.equal(told.clusterIP, addresses[0]);
  for (const [index, family] of (told.ipFamilies ?? []).entries())
    if (told.clusterIP !== "None") assert.match(addresses[index] ?? "", family === "IPv4" ? IPV4 : IPV6);
  return [told.ipFamilyPolicy, ...(told.ipFamilies ?? [])];
}

test("a Service has the families that it asks for, one address of each, and IPv4 alone when it asks for none", async () => {
  await using server = await startTestApiServer();
  const cases: [name: string, spec: object, families: string[]][] = [
    ["none", {}, ["SingleStack", "IPv4"]],
    ["six", { ipFamilies: ["IPv6"] }, ["SingleStack", "IPv6"]],
    ["prefer", { ipFamilyPolicy: "PreferDualStack" }, ["PreferDualStack", "IPv4", "IPv6"]],
    ["require", { ipFamilyPolicy: "RequireDualStack" }, ["RequireDualStack", "IPv4", "IPv6"]],
    ["six-first", { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6"] }, ["PreferDualStack", "IPv6", "IPv4"]],
    ["own", { clusterIP: "fd00:10:96::77" }, ["SingleStack", "IPv6"]],
    [
      "both-own",
      { ipFamilyPolicy: "RequireDualStack", clusterIPs: ["10.96.7.7", "fd00:10:96::78"] },
      ["RequireDualStack", "IPv4", "IPv6"],
    ],
    ["headless", { clusterIP: "None", ipFamilyPolicy: "PreferDualStack" }, ["PreferDualStack", "IPv4", "IPv6"]],
    ["headless-one", { clusterIP: "None" }, ["SingleStack", "IPv4"]],
    ["headless-by-hand", { clusterIP: "None", selector: null }, ["RequireDualStack", "IPv4", "IPv6"]],
  ];
  for (const [name, spec, expected] of cases)
    assert.deepEqual(families(await ask(server, "POST", name, spec)), expected, name);
});

test("families and addresses that contradict are refused with Kubernetes' words", async () => {
  await using server = await startTestApiServer();
  assert.notEqual(typeof (await ask(server, "POST", "first", { clusterIP: "fd00:10:96::77" })), "string");
  const cases: [spec: object, told: RegExp][] = [
    [{ ipFamilyPolicy: "Both" }, /^spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "SingleStack"/],
    [{ ipFamilies: ["IPv5"] }, /^spec.ipFamilies\[0\]: Unsupported value: "IPv5"/],
    [{ ipFamilies: ["IPv4", "IPv4"] }, /^spec.ipFamilies\[1\]: Duplicate value: "IPv4"/],
    [{ ipFamilies: ["IPv4", "IPv6"] }, /^spec.ipFamilyPolicy: .* when multiple IP families are specified/],
    [
      { clusterIPs: ["10.96.7.8", "fd00:10:96::9"] },
      /^spec.ipFamilyPolicy: .* when multiple cluster IPs are specified/,
    ],
    [{ clusterIPs: ["10.96.7.8", "10.96.7.9"] }, /may specify no more than one IP for each IP family/],
    [{ clusterIPs: ["None", "10.96.7.9"] }, /'None' must be the first and only value/],
    [{ clusterIP: "10.96.7.8", clusterIPs: ["10.96.7.9"] }, /first value must match `clusterIP`/],
    [
      { clusterIP: "10.96.7.8", ipFamilies: ["IPv6"] },
      /^spec.clusterIPs\[0\]: .* expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
    ],
    [{ clusterIP: "fd00:10:96:0::77" }, /provided IP is already allocated/],
    [{ clusterIP: "fd00:99::1" }, /not in the valid range. The range of valid IPs is fd00:10:96::\/112/],
    [
      { type: "ExternalName", externalName: "a.example", ipFamilyPolicy: "SingleStack" },
      /^spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services/,
    ],
  ];
  for (const [spec, told] of cases) assert.match(String(await ask(server, "POST", "second", spec)), told);
});

test("a Service gets a second address when it comes to want one, keeps both, and gives it back", async () => {
  await using server = await startTestApiServer();
  const first = (await ask(server, "POST", "x", {})) as Spec;
  const both = (await ask(server, "PATCH", "x", { ipFamilyPolicy: "PreferDualStack" })) as Spec;
  assert.deepEqual(families(both), ["PreferDualStack", "IPv4", "IPv6"]);
  assert.equal(both.clusterIP, first.clusterIP);
  const changed = (await ask(server, "PATCH", "x", { ports: [{ port: 81 }] })) as Spec;
  assert.deepEqual(changed.clusterIPs, both.clusterIPs);
  assert.match(
    String(await ask(server, "PATCH", "x", { clusterIPs: [first.clusterIP] })),
    /^spec.ipFamilyPolicy: .* must be 'SingleStack' to release the secondary cluster IP/,
  );
  assert.match(
    String(await ask(server, "PATCH", "x", { clusterIPs: [first.clusterIP, "fd00:10:96::79"] })),
    /^spec.clusterIPs\[1\]: .* may not change once set/,
  );
  assert.match(
    String(await ask(server, "PATCH", "x", { ipFamilies: ["IPv6", "IPv4"] })),
    /expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
  );
  const single = (await ask(server, "PATCH", "x", { ipFamilyPolicy: "SingleStack" })) as Spec;
  assert.deepEqual([families(single), single.clusterIPs], [["SingleStack", "IPv4"], first.clusterIPs]);
});

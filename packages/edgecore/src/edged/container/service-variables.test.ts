import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "@skerry/api";
import { serviceVariables } from "./service-variables.ts";

function service(name: string, namespace: string, spec: Service["spec"]): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

const api = service("kubernetes", "default", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] });
const web = service("web-front", "plant", {
  clusterIP: "10.96.3.4",
  ports: [
    { name: "http", port: 80 },
    { name: "dns-x", port: 53, protocol: "UDP" },
  ],
});

test("a pod gets the kubelet's variables for the Services of its namespace", () => {
  const variables = serviceVariables([api, web, service("other", "else", { clusterIP: "10.96.9.9" })], "plant", true);
  assert.deepEqual(Object.fromEntries(variables), {
    KUBERNETES_SERVICE_HOST: "10.96.0.1",
    KUBERNETES_SERVICE_PORT: "443",
    KUBERNETES_SERVICE_PORT_HTTPS: "443",
    KUBERNETES_PORT: "tcp://10.96.0.1:443",
    KUBERNETES_PORT_443_TCP: "tcp://10.96.0.1:443",
    KUBERNETES_PORT_443_TCP_PROTO: "tcp",
    KUBERNETES_PORT_443_TCP_PORT: "443",
    KUBERNETES_PORT_443_TCP_ADDR: "10.96.0.1",
    WEB_FRONT_SERVICE_HOST: "10.96.3.4",
    WEB_FRONT_SERVICE_PORT: "80",
    WEB_FRONT_SERVICE_PORT_HTTP: "80",
    WEB_FRONT_SERVICE_PORT_DNS_X: "53",
    WEB_FRONT_PORT: "tcp://10.96.3.4:80",
    WEB_FRONT_PORT_80_TCP: "tcp://10.96.3.4:80",
    WEB_FRONT_PORT_80_TCP_PROTO: "tcp",
    WEB_FRONT_PORT_80_TCP_PORT: "80",
    WEB_FRONT_PORT_80_TCP_ADDR: "10.96.3.4",
    WEB_FRONT_PORT_53_UDP: "udp://10.96.3.4:53",
    WEB_FRONT_PORT_53_UDP_PROTO: "udp",
    WEB_FRONT_PORT_53_UDP_PORT: "53",
    WEB_FRONT_PORT_53_UDP_ADDR: "10.96.3.4",
  });
});

test("without enableServiceLinks only the API server's variables are left", () => {
  const variables = serviceVariables([api, web], "plant", false);
  assert.deepEqual(
    [...variables.keys()].filter((name) => !name.startsWith("KUBERNETES_")),
    [],
  );
  assert.equal(variables.get("KUBERNETES_SERVICE_HOST"), "10.96.0.1");
});

test("a headless Service and one without an address make no variables", () => {
  const headless = service("db", "plant", { clusterIP: "None", ports: [{ port: 5432 }] });
  const external = service("away", "plant", { externalName: "away.example" });
  assert.equal(serviceVariables([headless, external], "plant", true).size, 0);
});

import type { Service } from "@skerry/api";

/** The Service of the API server itself, in every pod's variables. */
const API_NAMESPACE = "default";
const API_NAME = "kubernetes";

/**
 * The variables that tell a pod of Services: of its own namespace where it wants them (`enableServiceLinks`), and of the
 * API server in any case. As the kubelet: a Service made later is not in them, one without a cluster address neither.
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const variables = new Map<string, string>();
  const isApi = ({ metadata }: Service): boolean => metadata.namespace === API_NAMESPACE && metadata.name === API_NAME;
  // The namespace's own come last: one that is called like the API server's takes its place.
  const chosen = [
    ...services.filter(isApi),
    ...services.filter((service) => enableServiceLinks && service.metadata.namespace === namespace),
  ];
  for (const service of chosen) addVariables(variables, service);
  return variables;
}

function addVariables(variables: Map<string, string>, { metadata, spec }: Service): void {
  const { clusterIP = "", ports = [] } = spec;
  const [first] = ports;
  if (clusterIP === "" || clusterIP === "None" || first === undefined) return;
  const name = variableName(metadata.name);
  variables.set(`${name}_SERVICE_HOST`, clusterIP);
  variables.set(`${name}_SERVICE_PORT`, String(first.port));
  for (const port of ports)
    if (port.name) variables.set(`${name}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
  const host = clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP;
  for (const [index, { port, protocol = "TCP" }] of ports.entries()) {
    const url = `${protocol.toLowerCase()}://${host}:${port}`;
    const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) variables.set(`${name}_PORT`, url);
    variables.set(prefix, url);
    variables.set(`${prefix}_PROTO`, protocol.toLowerCase());
    variables.set(`${prefix}_PORT`, String(port));
    variables.set(`${prefix}_ADDR`, clusterIP);
  }
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

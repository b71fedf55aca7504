import type { Message } from "../message.ts";
import { parseDevicePath, parseObjectPath } from "../resource-path.ts";
import { type Direction, type Route, routeOf } from "../routes.ts";

/** What a message is about, for the bytes it costs: an object's type (`pod`, `configmap`, …), or what else it serves. */
export function trafficKind(direction: Direction, message: Message): string {
  const route = routeOf(direction, message);
  if (!route) return "other";
  return kindOf(route, message.route.resource ?? "");
}

function kindOf(route: Route, resource: string): string {
  switch (route.traffic) {
    case "acknowledgement":
    case "liveness":
    case "telemetry":
      return route.traffic;
    default:
      break;
  }
  if (route.source === "skerry") return route.group;
  if (route.id === "U22" || route.id === "D20") return "mqtt";
  if (parseDevicePath(resource) || resource.startsWith("membership") || resource === "twin") return "device";
  return parseObjectPath(resource)?.type ?? "other";
}

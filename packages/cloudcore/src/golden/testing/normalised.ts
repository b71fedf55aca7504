import { isJsonObject, type JsonValue } from "@skerry/base";
import { errorStatusOf } from "@skerry/link";

/** Members that differ between two runs of the same system: ids, versions, times, tokens; and field management. */
const volatileMembers: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "observedGeneration",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "lastHeartbeatTime",
  "managedFields",
  "event_id",
  "timestamp",
  "token",
  // The API server's own default.
  "audiences",
  "expirationTimestamp",
]);

/** A content as two runs can be compared by. Of failures only the reason counts: wording and `Object` differ. */
export function normalised(content: JsonValue): JsonValue {
  const failure = errorStatusOf(content);
  return failure ? { failure: failure.reason ?? "" } : withoutVolatile(content);
}

function withoutVolatile(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutVolatile);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      // Go writes null for what is not set.
      .filter(([name, member]) => !volatileMembers.has(name) && member !== null)
      .map(([name, member]) => [name, withoutVolatile(member ?? null)]),
  );
}

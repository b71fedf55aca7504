import type { LocalService } from "./local-services.ts";
import type { NameServerPlace } from "./packet-rules.ts";

/** The kernel's packet filter for one family of addresses. */
export interface PacketFilter {
  /**
   * Makes the node's own rules be those of the family; what others have made stays.
   * @param renewal made also when they are the same as before: somebody may have thrown them away
   * @throws SkerryError `SERVICES_RULES_REFUSED`
   */
  apply(services: readonly LocalService[], nameServers: readonly NameServerPlace[], renewal: boolean): Promise<void>;
}

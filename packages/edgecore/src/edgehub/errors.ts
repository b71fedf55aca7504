import { SkerryError } from "@skerry/base";

/** There is no session with the cloud, or it ended before the answer came. */
export function linkDisconnected(reason: string): SkerryError {
  return new SkerryError({
    code: "LINK_DISCONNECTED",
    message: `There is no link to the cloud: ${reason}`,
    advice: "Nothing to do at the edge: it goes on by itself and connects again as soon as the cloud can be reached.",
    details: { reason },
  });
}

/** The cloud did not answer in time. */
export function linkTimeout(operation: string, resource: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "LINK_TIMEOUT",
    message: `The cloud did not answer ${operation} ${resource} within ${timeoutMs} ms`,
    advice: "It is tried again; if it stays, look at CloudCore's log.",
    details: { operation, resource, timeoutMs },
  });
}

/** Too many requests wait for an answer at the same time. */
export function tooManyRequests(limit: number): SkerryError {
  return new SkerryError({
    code: "LINK_TOO_MANY_REQUESTS",
    message: `${limit} requests to the cloud already wait for an answer`,
    advice: "Try again when some of them are answered.",
    details: { limit },
  });
}

/** The network does not take what has been sent already. */
export function linkCongested(bufferedBytes: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "LINK_CONGESTED",
    message: `${bufferedBytes} bytes wait to leave for the cloud, at most ${limitBytes} may`,
    advice: "Try again when the link has caught up.",
    details: { bufferedBytes, limitBytes },
  });
}

/** The link's byte budget keeps the message back. */
export function byteBudgetSpent(operation: string, resource: string, stage: string): SkerryError {
  return new SkerryError({
    code: "LINK_BUDGET_SPENT",
    message: `${operation} ${resource} is kept back: the link's byte budget is nearly or fully spent (${stage})`,
    advice: "It goes on as the budget fills; for more, change the annotation skerry.io/byte-budget of the Node.",
    details: { operation, resource, stage },
  });
}

/** The connection was not established in time. */
export function dialTimedOut(server: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "LINK_DIAL_TIMEOUT",
    message: `${server} did not answer within ${timeoutMs} ms`,
    advice: "Check the network between this node and CloudCore, and its address in edgecore.yaml.",
    details: { server, timeoutMs },
  });
}

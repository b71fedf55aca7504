/** Where a webhook's connection goes, when that is not what its URL names. */
export interface WebhookEndpoint {
  readonly host: string;
  readonly port: number;
}

/** One request to a webhook. */
export interface WebhookRequest {
  /** With `https://`. */
  readonly url: string;
  /** Left out: the host and port of the URL. */
  readonly endpoint?: WebhookEndpoint;
  /** PEM; empty: the authorities that the system trusts. */
  readonly authorityPem: string;
  /** JSON. */
  readonly body: string;
  readonly timeoutMs: number;
}

/** An answer of any HTTP status. */
export interface WebhookResponse {
  readonly status: number;
  readonly text: string;
}

/** The way to webhooks: HTTPS, no redirects, answers of bounded size. */
export interface WebhookCaller {
  /** @throws Error worded as a kube-apiserver says why it has no answer: `dial tcp …: connect: connection refused` */
  post(request: WebhookRequest): Promise<WebhookResponse>;
}

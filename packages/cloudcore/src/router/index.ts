export type { HttpPoster, RestRequest, RestResponse } from "./http-exchange.ts";
export { Router, type RouterOptions } from "./router.ts";

export { apiListener } from "./api-listener.ts";

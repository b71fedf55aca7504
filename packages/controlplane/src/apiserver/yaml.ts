// A module of its own, because only named exports of our own modules can be imported dynamically from the bundle.
export { parse } from "yaml";

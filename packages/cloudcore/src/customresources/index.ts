export { type InstallOptions, installCustomResources } from "./install-custom-resources.ts";

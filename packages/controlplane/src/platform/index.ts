export * from "./control-plane.ts";
export { JwtSigner } from "./jwt-signer.ts";

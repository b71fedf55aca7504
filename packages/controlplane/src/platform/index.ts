export { type BackupFacts, backupControlPlane, restoreControlPlane } from "./backup.ts";
export * from "./control-plane.ts";
export { JwtSigner } from "./jwt-signer.ts";

export { CertificateRotation, type CertificateRotationPorts } from "./certificate-rotation.ts";
export { Enrolment, type EnrolmentOptions, type EnrolmentPorts } from "./enrolment.ts";
export * from "./ports.ts";
export { severalServers } from "./several-servers.ts";

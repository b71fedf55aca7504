export { ruleMigrations } from "./migrations.ts";
export { type RuleSourceKind, RuleSources } from "./rule-sources.ts";
export { answerInWords, type ServiceResponse, serviceAnswer } from "./service-answer.ts";

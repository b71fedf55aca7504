import type { Migration } from "@skerry/store";

/** What the cloud's rules take from this node; appended to the migrations of the others. */
export const ruleMigrations: readonly Migration[] = [
  `CREATE TABLE rule_source (
     -- topic (an MQTT topic filter) or url
     kind TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (kind, value)
   ) WITHOUT ROWID`,
];

import type { Migration } from "@skerry/store";

/** The mappers that have registered, and what each has been given; appended to the migrations of the others. */
export const dmiMigrations: readonly Migration[] = [
  `CREATE TABLE dmi_mapper (
     protocol TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     version TEXT NOT NULL,
     socket_path TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE dmi_delivered (
     protocol TEXT NOT NULL,
     -- device/<namespace>/<name> or model/<namespace>/<name>
     object TEXT NOT NULL,
     -- the message as it was delivered, base64
     content TEXT NOT NULL,
     PRIMARY KEY (protocol, object)
   ) WITHOUT ROWID`,
];

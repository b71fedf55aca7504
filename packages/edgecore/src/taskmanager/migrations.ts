import type { Migration } from "@skerry/store";

/** Parts of jobs that this node was given; appended to the migrations of the others. */
export const taskMigrations: readonly Migration[] = [
  `CREATE TABLE task (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     -- The message's resource: one part of a job at a time.
     resource TEXT NOT NULL UNIQUE,
     -- The message's id: Skerry's cloud takes the job's UID.
     id TEXT NOT NULL,
     first_action TEXT NOT NULL,
     spec TEXT NOT NULL,
     -- What was reported so far, JSON.
     reports TEXT NOT NULL,
     finished INTEGER NOT NULL
   )`,
];

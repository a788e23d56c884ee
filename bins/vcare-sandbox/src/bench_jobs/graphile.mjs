// One process of graphile-worker that does jobs which do nothing, until it is told to stop.
// node graphile.mjs FOLDER URL migrate|default|batched; FOLDER is where npm has installed it.
import { createRequire } from "node:module";

const [folder, connectionString, mode] = process.argv.slice(2);
const { Logger, run, runMigrations } = createRequire(folder + "/")("graphile-worker");

// What it logs about every job would cost it a good part of its speed.
const logger = new Logger(() => () => {});
const batched = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const worker = { connectionString, concurrentJobs: 24, maxPoolSize: 25, ...(mode === "batched" ? batched : {}) };

if (mode === "migrate") {
  await runMigrations({ connectionString, logger });
} else {
  // Connecting is part of the race, loading is not.
  const timestamp = new Date().toISOString();
  const runner = await run({ preset: { worker }, logger, taskList: { noop: async () => {} } });
  console.log(JSON.stringify({ message: "working", address: "127.0.0.1:0", timestamp }));
  await runner.promise;
}

// No-op jobs through graphile-worker: node graphile-worker.cjs JOBS CONCURRENCY LOCAL_QUEUE PROCESSES
// (LOCAL_QUEUE 0: one by one). HAAT_BENCH_URL is the database.
const cluster = require('node:cluster');
const { Pool } = require('pg');
const { Logger, makeWorkerUtils, run } = require('graphile-worker');

const [jobs, concurrency, localQueue, processes] = process.argv.slice(2).map(Number);
const connection = require('./connection.cjs');
const logger = new Logger(() => () => {});

async function work() {
    const pgPool = new Pool({ ...connection, max: Math.max(10, concurrency) });
    pgPool.on('error', () => {});
    await run({
        pgPool, logger, noHandleSignals: true,
        taskList: { noop: async () => {} },
        preset: { worker: {
            concurrentJobs: concurrency, pollInterval: 1000,
            ...(localQueue ? { localQueue: { size: localQueue },
                               completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
        } },
    });
}

async function measure() {
    const pool = new Pool({ ...connection, max: 4 });
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    await utils.migrate();
    await pool.query(`select graphile_worker.add_jobs((
        select array_agg(('noop', '{}', null, null, null, null, null, null)::graphile_worker.job_spec)
          from generate_series(1, $1::int)))`, [jobs]);
    await pool.query('vacuum analyze graphile_worker._private_jobs');
    await pool.query('checkpoint');
    for (let i = 0; i < processes; ++i) cluster.fork();
    for (;;) { // their start does not count
        const begun = await pool.query(`
            select exists (select from graphile_worker._private_jobs where attempts > 0)
                or not exists (select from graphile_worker._private_jobs) as some`);
        if (begun.rows[0].some) break;
        await new Promise((done) => setTimeout(done, 5));
    }
    const begin = process.hrtime.bigint();
    for (;;) {
        const left = await pool.query('select exists (select from graphile_worker._private_jobs) as some');
        if (!left.rows[0].some) break;
        await new Promise((done) => setTimeout(done, 10));
    }
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    console.log(`graphile-worker, ${localQueue ? `local queue of ${localQueue}` : 'one by one'}: ` +
                `${Math.round(jobs / seconds)}/s`);
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
    process.exit(0);
}

(cluster.isWorker ? work() : measure()).catch((error) => { console.error(error.message); process.exit(1); });
